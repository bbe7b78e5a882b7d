// `storm-submit`: sends a topology's program to the cluster.

#include <iostream>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "cli/command_line.h"
#include "cli/completion.h"
#include "cli/submit.h"

namespace storm::cli {
namespace {

constexpr const char* kNotes =
    "The program runs here, twice, to describe its topology; then it is uploaded, and runs on\n"
    "the cluster. All topology.* settings, and the topology's own keys, are sent with it.\n\n"
    "Examples:\n"
    "  storm-submit ./word-count --name wc -c topology.workers=2 -c input=/data/book.txt\n"
    "  storm-submit ./word-count --name wc --file stop-words.txt --detach\n\n"
    "exit code: 0 running, 1 failed (stderr says why), 2 usage or settings,\n"
    "  4 the name is taken, 5 Nimbus cannot be reached, 6 denied";

int run(int argc, char** argv) {
    CLI::App app("Submits a topology's program to the cluster", "storm-submit");
    app.footer(kNotes);
    app.set_version_flag("--version", "storm-submit " STORM_VERSION);

    Submission submission;
    SettingsOptions options;
    std::string timeout = "60s";
    app.add_option("PROGRAM", submission.program, "The executable of a topology")
        ->required()
        ->type_name("FILE");
    app.add_option("--name", submission.name,
                   "Name in the cluster (default: topology.name, else the program's)")
        ->check(CLI::Validator(
            [](const std::string& name) { return name.empty() ? "is empty" : ""; }, ""))
        ->type_name("NAME");
    add_settings_options(app, options);
    app.add_option("--file", submission.files, "A file to put into the folder of each worker")
        ->type_name("PATH")
        ->allow_extra_args(false);
    app.add_flag("--inactive", submission.inactive, "Keep its spouts paused until storm activate");
    app.add_option("--timeout", timeout, "How long to wait until it runs (default: 60s)")
        ->type_name("TIME");
    app.add_flag("--detach", submission.detach, "Do not wait until it runs");
    app.callback([&] {
        const base::SteadyClock clock;
        submission.timeout = duration_of(timeout);
        const cluster::LayeredSettings settings = layered(options);
        refuse_settings_of_daemons(settings);
        submit(submission, settings.config, real_patience(clock), std::cout, std::cerr,
               terminal_of(STDERR_FILENO));
    });
    if (complete_if_asked(app, argc, argv, {}, std::cout)) return 0;
    return static_cast<int>(run_command_line(app, argc, argv));
}

}  // namespace
}  // namespace storm::cli

int main(int argc, char** argv) {
    return storm::cli::run(argc, argv);
}

#include "worker/entry/arguments.h"

#include <algorithm>
#include <string_view>

#include <storm/detail/suggest.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace storm::worker {
namespace {

constexpr int kPortMax = 65'535;

base::Error unexpected(const std::string& argument) {
    if (!argument.starts_with('-')) {
        const bool setting = argument.find('=') != std::string::npos;
        return {"unexpected argument \"" + argument + "\"\n  hint: " +
                (setting ? "settings are given with -c " + argument
                         : "settings are given with -c KEY=VALUE; --help lists all options")};
    }
    const std::vector<std::string_view> options = {"--config",       "--describe", "--explain",
                                                   "--metrics-port", "--help",     "--version"};
    const std::string name = argument.substr(0, argument.find('='));
    const std::string guess = detail::did_you_mean(name, options);
    return {"unknown option \"" + name +
            "\"\n  hint: " + (guess.empty() ? "--help lists all options" : guess)};
}

}  // namespace

base::Result<Arguments> parse_arguments(std::vector<std::string> arguments) {
    Arguments parsed;
    bool explain = false, describe = false, help = false, version = false, worker = false;
    int port = 0;
    CLI::App app;
    // Arguments that CLI11 does not know are collected, so that unexpected() can answer the most
    // likely mistake: a setting without -c.
    app.set_help_flag();
    app.allow_extras();
    app.add_option("-c", parsed.assignments)->allow_extra_args(false);
    app.add_option("--config", parsed.config_files)->allow_extra_args(false);
    app.add_flag("--explain", explain);
    app.add_flag("--describe", describe);
    app.add_flag("-h,--help", help);
    app.add_flag("--version", version);
    app.add_flag("--worker", worker);  // For Supervisors only, so --help does not show it.
    const CLI::Option* const metrics =
        app.add_option("--metrics-port", port)->check(CLI::Range(0, kPortMax));
    std::reverse(arguments.begin(), arguments.end());  // CLI11 wants them reversed.
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        return base::Error{std::string(error.what()) + "\n  hint: --help shows how each is used"};
    }

    using Mode = Arguments::Mode;
    // Before unexpected arguments: somebody who asks for help wants no other answer.
    if (help) {
        parsed.mode = Mode::kHelp;
        return parsed;
    }
    if (!app.remaining().empty()) return unexpected(app.remaining().front());
    if (static_cast<int>(explain) + static_cast<int>(describe) + static_cast<int>(version) > 1) {
        return base::Error{
            "--explain, --describe and --version do not go together\n"
            "  hint: give one of them"};
    }
    if (metrics->count() > 0) parsed.metrics_port = static_cast<std::uint16_t>(port);
    if (explain) parsed.mode = Mode::kExplain;
    if (describe) parsed.mode = Mode::kDescribe;
    if (version) parsed.mode = Mode::kVersion;
    if (worker) parsed.mode = Mode::kWorker;
    return parsed;
}

std::string help_text(const std::string& program) {
    return program + R"( - a Storm topology

usage: )" + program +
           R"( [-c KEY=VALUE]... [OPTIONS]

Runs the topology in this process until its spouts have finished, or until Ctrl-C.

options:
  -c KEY=VALUE       set something: a setting of Storm's, or a key of this topology's own
  --config FILE      read settings from a YAML file
  --explain          show the topology and its settings, and run nothing
  --describe         the same as JSON, for programs
  --metrics-port N   serve http://127.0.0.1:N/metrics and /health; 0: any free port
  --help, --version

settings, later ones win:
  built in, /etc/storm/storm.yaml, ~/.storm/storm.yaml, $STORM_CONFIG, --config, -c

examples:
  )" + program +
           R"( -c topology.max.spout.pending=1000
  )" + program +
           R"( --config storm.yaml --metrics-port 9090
  )" + program +
           R"( --explain -c topology.worker.threads=4

Results go to stdout; status, logs and errors to stderr.
exit code: 0 finished or drained, and all tuples went through, 1 failed, or tuples were lost,
  2 usage or settings, 7 ended with tuples given up, 130 on a second Ctrl-C
)";
}

}  // namespace storm::worker

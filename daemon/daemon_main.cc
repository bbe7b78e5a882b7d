#include "daemon/daemon_main.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>

#include "base/crash.h"
#include "base/log.h"
#include "cluster/settings_layers.h"

namespace storm::daemon {

namespace {

/// Daemons have many connections, and do not use select(), the reason for the low default.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace

int complain(const DaemonProgram& program, const std::string& what, DaemonExitCode code) {
    std::fprintf(stderr, "%s: %s\n", program.name.c_str(), what.c_str());
    return code;
}

int daemon_main(const DaemonProgram& program, int argc, char** argv,
                const std::function<int(const Config&)>& run) {
    base::tell_of_crashes();
    // A connection or a pipe that is gone is an error of the write. Workers get the default back
    // (forget_signals()).
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    // There are few threads, none of them busy; arenas of their own would only cost memory.
    ::mallopt(M_ARENA_MAX, 1);
    CLI::App app{program.what, program.name};
    app.footer(program.notes);
    for (const DaemonFlag& flag : program.flags) app.add_flag(flag.name, *flag.given, flag.what);
    app.set_version_flag("--version", program.name + " " STORM_VERSION);
    std::vector<std::string> files;
    std::vector<std::string> assignments;
    app.add_option("--config", files, "Settings file (storm.yaml); may be repeated")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app.add_option("-c", assignments, "A setting; may be repeated")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    try {
        app.parse(argc, argv);
        std::vector<cluster::SettingsFile> layers = cluster::settings_files(files);
        // A daemon must not run without the cluster's settings.
        layers.front().may_be_closed = false;
        const auto settings = cluster::layer_settings(layers, assignments);
        if (!settings) return complain(program, settings.error().message, kDaemonUsage);
        base::log::set_level(base::log::level_named(settings->config.string("storm.log.level")));
        return run(settings->config);
    } catch (const CLI::ExtrasError&) {
        return complain(program,
                        "unknown argument \"" + app.remaining().front() +
                            "\"\n  hint: " + program.name + " --help lists all",
                        kDaemonUsage);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);  // --help or --version.
        return complain(program,
                        std::string(error.what()) + "\n  hint: " + program.name + " --help",
                        kDaemonUsage);
    } catch (const std::exception& error) {
        return complain(program, error.what(), kDaemonFailed);
    }
}

}  // namespace storm::daemon

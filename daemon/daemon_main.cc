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

int complain(const CLI::App& app, const std::string& what, DaemonExitCode code) {
    std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), what.c_str());
    return code;
}

int daemon_main(CLI::App& app, int argc, char** argv,
                const std::function<int(const Config&)>& run) {
    base::tell_of_crashes();
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    // There are few threads, none of them busy; arenas of their own would only cost memory.
    ::mallopt(M_ARENA_MAX, 1);
    app.set_version_flag("--version", app.get_name() + " " STORM_VERSION);
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
        if (!settings) return complain(app, settings.error().message, kDaemonUsage);
        base::log::set_level(base::log::level_named(settings->config.string("storm.log.level")));
        return run(settings->config);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kDaemonDone : kDaemonUsage;
    } catch (const std::exception& error) {
        return complain(app, error.what(), kDaemonFailed);
    }
}

}  // namespace storm::daemon

// storm-nimbus: the master of a cluster. docs/http-api.md says what it answers.

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <malloc.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "cluster/settings_layers.h"
#include "nimbus/daemon.h"

namespace {

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2 };

storm::base::LogLevel log_level(const std::string& name) {
    if (name == "debug") return storm::base::LogLevel::kDebug;
    if (name == "warn") return storm::base::LogLevel::kWarn;
    if (name == "error") return storm::base::LogLevel::kError;
    return storm::base::LogLevel::kInfo;
}

int complain(const std::string& what, ExitCode code) {
    std::fprintf(stderr, "storm-nimbus: %s\n", what.c_str());
    return code;
}

int run(int argc, char** argv) {
    CLI::App app{"The master of a Storm cluster: takes topologies, and says where they run."};
    app.set_version_flag("--version", "storm-nimbus " STORM_VERSION);
    std::vector<std::string> files;
    std::vector<std::string> assignments;
    app.add_option("--config", files, "Settings file (storm.yaml); may be repeated")
        ->type_name("FILE");
    app.add_option("-c", assignments, "A setting; may be repeated")->type_name("KEY=VALUE");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kDone : kUsage;
    }
    const auto settings =
        storm::cluster::layer_settings(storm::cluster::settings_files(files), assignments);
    if (!settings) return complain(settings.error().message, kUsage);
    storm::base::log::set_level(log_level(settings->config.string("storm.log.level")));
    const auto ended = storm::nimbus::run(settings->config);
    return ended ? kDone : complain(ended.error().message, kFailed);
}

}  // namespace

int main(int argc, char** argv) {
    ::umask(S_IRWXG | S_IRWXO);
    std::signal(SIGPIPE, SIG_IGN);
    // Few threads, of which none is busy: arenas of their own would only cost memory.
    ::mallopt(M_ARENA_MAX, 1);
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        return complain(error.what(), kFailed);
    }
}

// storm-nimbus: the master of a cluster. docs/http-api.md says what it answers.

#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "daemon/daemon_main.h"
#include "nimbus/entry/daemon.h"

int main(int argc, char** argv) {
    namespace daemon = storm::daemon;
    ::umask(S_IRWXG | S_IRWXO);
    CLI::App app{"The master of a Storm cluster: takes topologies, and says where they run.",
                 "storm-nimbus"};
    app.footer("exit code: 0 ended, 1 failed, 2 usage or settings");
    return daemon::daemon_main(app, argc, argv, [&app](const storm::Config& config) -> int {
        const auto ended = storm::nimbus::run(config);
        if (ended) return daemon::kDaemonDone;
        return daemon::complain(app, ended.error().message, daemon::kDaemonFailed);
    });
}

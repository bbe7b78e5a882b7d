// storm-nimbus: the master of a cluster. docs/http-api.md says what it answers.

#include <sys/stat.h>

#include "daemon/daemon_main.h"
#include "nimbus/entry/daemon.h"

int main(int argc, char** argv) {
    namespace daemon = storm::daemon;
    ::umask(S_IRWXG | S_IRWXO);
    const daemon::DaemonProgram program{
        .name = "storm-nimbus",
        .what = "The master of a Storm cluster: takes topologies, and says where they run.",
        .notes = "exit code: 0 ended, 1 failed, 2 usage or settings"};
    return daemon::daemon_main(program, argc, argv, [&program](const storm::Config& config) -> int {
        const auto zookeeper = storm::coordination::zookeeper_settings(config);
        if (!zookeeper)
            return daemon::complain(program, zookeeper.error().message, daemon::kDaemonUsage);
        const auto ended = storm::nimbus::run(config, *zookeeper);
        if (ended) return daemon::kDaemonDone;
        return daemon::complain(program, ended.error().message, daemon::kDaemonFailed);
    });
}

// The main() of every daemon: options, settings, exit codes.
//
// Threads: the main thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <storm/config.h>

namespace storm::daemon {

enum DaemonExitCode : int { kDaemonDone = 0, kDaemonFailed = 1, kDaemonUsage = 2 };

struct DaemonFlag {
    std::string name;  ///< As in "--stop-workers".
    std::string what;
    bool* given;  ///< Set before the daemon runs.
};

/// Text of `--help`, and options that other daemons do not have.
struct DaemonProgram {
    std::string name;
    std::string what;
    std::string notes;
    std::vector<DaemonFlag> flags = {};
};

/// Reads settings and arguments (--config, -c, --version and the program's own flags), sets the log
/// level, and calls `run`. Returns the exit code of the program: that of `run`, unless the
/// arguments are wrong.
int daemon_main(const DaemonProgram& program, int argc, char** argv,
                const std::function<int(const Config&)>& run);

/// Prints `PROGRAM: what` on stderr. Returns `code`.
int complain(const DaemonProgram& program, const std::string& what, DaemonExitCode code);

}  // namespace storm::daemon

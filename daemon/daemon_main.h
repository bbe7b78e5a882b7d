// The main() of every daemon: options, settings, exit codes.
//
// Threads: the main thread.
#pragma once

#include <functional>
#include <string>

#include <storm/config.h>

namespace CLI {
class App;
}

namespace storm::daemon {

enum DaemonExitCode : int { kDaemonDone = 0, kDaemonFailed = 1, kDaemonUsage = 2 };

/// Adds --config, -c and --version to the options of `app`, reads settings and arguments, sets the
/// log level, and calls `run`. Returns the exit code of the program: that of `run`, unless the
/// arguments are wrong.
int daemon_main(CLI::App& app, int argc, char** argv, const std::function<int(const Config&)>& run);

/// Prints `PROGRAM: what` on stderr. Returns `code`.
int complain(const CLI::App& app, const std::string& what, DaemonExitCode code);

}  // namespace storm::daemon

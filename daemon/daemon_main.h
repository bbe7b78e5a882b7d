// What main() of every daemon does: options, settings, exit codes.
//
// Threads: that of main().
#pragma once

#include <functional>
#include <string>

#include <storm/config.h>

namespace CLI {
class App;
}

namespace storm::cluster {

enum DaemonExitCode : int { kDaemonDone = 0, kDaemonFailed = 1, kDaemonUsage = 2 };

/// Adds --config, -c and --version to what `app` has, reads settings and arguments, sets the log's
/// level, and calls `run` with them. Returns the program's exit code, which is that of `run` unless
/// the arguments are wrong.
int daemon_main(CLI::App& app, int argc, char** argv, const std::function<int(const Config&)>& run);

/// Tells the user on stderr, as `PROGRAM: what`. Returns `code`.
int complain(const CLI::App& app, const std::string& what, DaemonExitCode code);

}  // namespace storm::cluster

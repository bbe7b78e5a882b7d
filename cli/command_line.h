// Arguments, settings and failures, handled alike by both programs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/patience.h"
#include "cluster/settings_layers.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace storm::cli {

/// The places of settings on a command line.
struct SettingsOptions {
    std::vector<std::string> files;
    std::vector<std::string> assignments;
};
/// Adds -c and --config, which fill `options`; it must outlive the parsing. Returns that of -c.
CLI::Option& add_settings_options(CLI::App& app, SettingsOptions& options);

/// Throws Failure with a line for each mistake.
cluster::LayeredSettings layered(const SettingsOptions& options);

/// Parses, then runs the command. Prints a Failure as two lines on stderr, after the program's
/// name.
ExitCode run_command_line(CLI::App& app, int argc, char** argv);

/// Waits in real time.
Patience real_patience(const base::Clock& clock);

}  // namespace storm::cli

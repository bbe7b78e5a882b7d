// What both programs do with argv, settings and failures alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/patience.h"
#include "cluster/settings_layers.h"

namespace CLI {
class App;
}

namespace storm::cli {

/// Where settings are given on a command line.
struct SettingsOptions {
    std::vector<std::string> files;
    std::vector<std::string> assignments;
};
/// -c and --config, which go into `options`; it must outlive the parsing.
void add_settings_options(CLI::App& app, SettingsOptions& options);

/// Throws Failure with a line for each mistake.
cluster::LayeredSettings layered(const SettingsOptions& options);

/// Parses and then runs what was asked for; prints a Failure as two lines on stderr, after the
/// program's name.
ExitCode run_command_line(CLI::App& app, int argc, char** argv);

/// The real time.
Patience real_patience(const base::Clock& clock);

}  // namespace storm::cli

// `storm config check` and `storm config explain`: checks settings, shows their origin and meaning.
//
// Threads: one.
#pragma once

#include <string>
#include <vector>

#include "cli/operations.h"
#include "cluster/settings_layers.h"

namespace storm::cli {

/// Checks one file, or all layers. Throws Failure with a line for each mistake.
void check_settings(const std::vector<cluster::SettingsFile>& files,
                    const std::vector<std::string>& assignments, const Output& output);

/// Shows the meaning and the present value of a setting. Throws Failure if it does not exist.
void explain_setting(const std::string& key, const cluster::LayeredSettings& settings,
                     const Output& output);
std::vector<std::string> setting_keys();
/// Lists all settings.
void list_settings(const cluster::LayeredSettings& settings, const Output& output);

}  // namespace storm::cli

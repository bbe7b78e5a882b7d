// `storm config check` and `storm config explain`: what is set, where, and what it means.
//
// Threads: one.
#pragma once

#include <string>
#include <vector>

#include "cli/operations.h"
#include "cluster/settings_layers.h"

namespace storm::cli {

/// Of one file alone, or of all layers. Throws Failure with a line for each mistake.
void check_settings(const std::vector<cluster::SettingsFile>& files,
                    const std::vector<std::string>& assignments, const Output& output);

/// What Storm knows of it, and what it is set to. Throws Failure: there is no such setting.
void explain_setting(const std::string& key, const cluster::LayeredSettings& settings,
                     const Output& output);
/// All that there are.
void list_settings(const cluster::LayeredSettings& settings, const Output& output);

}  // namespace storm::cli

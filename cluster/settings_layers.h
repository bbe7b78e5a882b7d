// Combines settings files and `-c key=value` to one configuration, and keeps the origin of each
// setting.
//
// Threads: pure functions, except that they read files.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <storm/config.h>

#include "base/result.h"

namespace storm::cluster {

struct SettingsFile {
    std::string path;
    bool optional = false;  ///< May be missing.
    /// If it cannot be read for lack of permission, that is only a warning.
    bool may_be_closed = false;
};

struct LayeredSettings {
    Config config;
    /// Path of the file, or "-c", for each key of config.entries().
    std::map<std::string, std::string, std::less<>> origins;
};

/// The files of every Storm program, least important first: /etc/storm/storm.yaml,
/// ~/.storm/storm.yaml, $STORM_CONFIG, then `given` (--config).
std::vector<SettingsFile> settings_files(const std::vector<std::string>& given);

/// Later files win over earlier ones, and `assignments` ("key=value") over all. Resolves references
/// (cluster/settings_references.h); user's keys that have one are added to
/// topology.secret.settings. The error has a line per mistake, which names the file or -c, and
/// shows no secret.
base::Result<LayeredSettings> layer_settings(const std::vector<SettingsFile>& files,
                                             const std::vector<std::string>& assignments);

}  // namespace storm::cluster

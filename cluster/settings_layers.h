// From settings files and `-c key=value` to one configuration, and where each setting came from.
//
// Threads: pure functions but for the files they read.
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
    bool optional = false;       ///< May be missing.
    bool may_be_closed = false;  ///< One without the right to read it goes on, with a warning.
};

struct LayeredSettings {
    Config config;
    /// By key: the file's path, or "-c". Has what config.entries() has.
    std::map<std::string, std::string, std::less<>> origins;
};

/// The files of every Storm program, least important first: /etc/storm/storm.yaml,
/// ~/.storm/storm.yaml, $STORM_CONFIG, then `given` with --config.
std::vector<SettingsFile> settings_files(const std::vector<std::string>& given);

/// Later files win over earlier ones, and `assignments` ("key=value") over all. References
/// (cluster/settings_references.h) are resolved, and keys of the user's own that have one listed in
/// topology.secret.settings. The error has a line for each mistake there is, which names the file
/// or -c, and shows no secret.
base::Result<LayeredSettings> layer_settings(const std::vector<SettingsFile>& files,
                                             const std::vector<std::string>& assignments);

}  // namespace storm::cluster

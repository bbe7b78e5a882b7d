// Reads settings from a YAML file such as storm.yaml.
//
//     nimbus.seeds: [alpha, beta]    # "nimbus.seeds" is ["alpha","beta"]
//     topology:
//       workers: 2                   # "topology.workers" is 2
//       name: "08080"                # Quoted, for another reader may take it for a number.
//
// Knows neither which keys exist nor what their values may be: here all values are texts.
//
// Threads: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace storm::base {

/// Keys of nested maps are joined with dots; lists and everything in them become JSON text.
/// Errors name the file and the line, and say what to do. A missing file is an error too.
Result<std::map<std::string, std::string>> read_settings_file(const std::string& path);

/// The same for a text; errors call it `name`.
Result<std::map<std::string, std::string>> parse_settings(std::string_view text,
                                                          std::string_view name);

}  // namespace storm::base

// Reads settings from a YAML file such as storm.yaml.
//
//     nimbus.seeds: [alpha, beta]    # "nimbus.seeds" is ["alpha","beta"]
//     topology:
//       workers: 2                   # "topology.workers" is 2
//       name: "08080"                # Quoted, for another reader may take it for a number.
//
// Whether such keys exist, and what their values may be, is for others to say: all values are texts
// here.
//
// Threads: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace storm::base {

/// Keys of nested maps are joined with dots; lists and what is in them become JSON text.
/// An error names file, line and what to do. A file that does not exist is an error too.
Result<std::map<std::string, std::string>> read_settings_file(const std::string& path);

/// The same for a text; `name` stands in errors for the file.
Result<std::map<std::string, std::string>> parse_settings(std::string_view text,
                                                          std::string_view name);

}  // namespace storm::base

// The rules for names, in one place for all who apply them: build(), storm-submit before an upload,
// Nimbus, and all readers of records.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace storm::detail {

/// Limit for the id of a component, which becomes part of file names.
inline constexpr std::size_t kIdBytesMax = 255;
/// Limit for the name of a topology; its id has some digits more.
inline constexpr std::size_t kTopologyNameBytesMax = 100;

// The fault of a name, as in `begins with "-"`; empty: none.

/// Allows letters, digits, '_', '-' and '.', starting with a letter, digit or '_', so that the name
/// can be a folder, a node and an argument.
std::string fault_of_name(std::string_view name, std::size_t bytes_max);
/// Allows the same without '.', as Apache Storm does. The fault is a whole sentence.
std::string fault_of_topology_name(std::string_view name);
/// Allows printable ASCII without blank and slash, but not "." or "..".
std::string fault_of_file_name(std::string_view name);

bool is_utf8(std::string_view text);
/// Replaces what is not UTF-8 by U+FFFD.
std::string as_utf8(std::string_view text);

}  // namespace storm::detail

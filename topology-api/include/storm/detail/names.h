// What may be a name: asked by build(), by storm-submit before it uploads anything, by Nimbus and
// by whoever reads a record. One place, so that what one takes no other refuses.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace storm::detail {

/// Of a component's id: it is part of file names.
inline constexpr std::size_t kIdBytesMax = 255;
/// Of a topology's name; its id has some digits more.
inline constexpr std::size_t kTopologyNameBytesMax = 100;

// What is wrong with a name, as in `begins with "-"`; empty: nothing.

/// Letters, digits, '_', '-' and '.', the first a letter, digit or '_', so that it can be a folder,
/// a node and an argument.
std::string fault_of_name(std::string_view name, std::size_t bytes_max);
/// A whole sentence. The same without '.', which Storm forbids.
std::string fault_of_topology_name(std::string_view name);
/// Printable ASCII without blank and slash, not "." or "..".
std::string fault_of_file_name(std::string_view name);

bool is_utf8(std::string_view text);
/// What is no UTF-8 becomes U+FFFD.
std::string as_utf8(std::string_view text);

}  // namespace storm::detail

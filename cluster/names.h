// Names in records and messages: which are allowed, and how errors show them.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace storm::cluster {

/// A topology's name or id: letters, digits, '_', '-' and '.', starting with a letter, digit or
/// '_', so that it can be a folder, a node and an argument. At most `bytes_max`.
bool is_name(std::string_view text, std::size_t bytes_max);
/// A host, a daemon's id or a file name: printable ASCII without blank and slash, not "." or "..",
/// at most kIdBytesMax.
bool is_id(std::string_view text);

/// The text in quotes, for messages: cut when it is long, and without what a terminal would obey.
std::string quoted(std::string_view text);

}  // namespace storm::cluster

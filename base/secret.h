// Secrets: random bytes, secrets in files, comparison in constant time.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace storm::base {

/// `count` random bytes from the kernel.
std::string random_bytes(std::size_t count);
/// The content of a file without the line ends behind it. More than `bytes_max` is an error.
Result<std::string> read_secret(const std::string& path, std::size_t bytes_max);
/// Compares in a time that does not depend on where the texts differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace storm::base

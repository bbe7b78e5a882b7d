// Secrets: where they come from, and how they are compared.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace storm::base {

/// From the kernel.
std::string random_bytes(std::size_t count);
/// What a file holds, without the line ends behind it; more than `bytes_max` is an error.
Result<std::string> read_secret(const std::string& path, std::size_t bytes_max);
/// In a time that does not depend on where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace storm::base

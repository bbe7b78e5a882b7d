// Secrets: where they come from, and how they are compared.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace storm::base {

/// From the kernel.
std::string random_bytes(std::size_t count);
/// In a time that does not depend on where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace storm::base

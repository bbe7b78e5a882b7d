// Settings of a test that come from the environment.
//
// Threads: any, as long as none changes the environment.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace storm::testing {

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* const text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace storm::testing

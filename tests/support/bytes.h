// Bytes behind bytes of another type.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace storm::testing {

inline std::string with_bytes(std::string text, std::span<const std::byte> more) {
    for (const std::byte byte : more) text.push_back(static_cast<char>(byte));
    return text;
}

}  // namespace storm::testing

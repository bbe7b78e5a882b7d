// Texts for the live status.
#pragma once

#include <cstdint>
#include <string>

namespace word_count {

/// 1234567 as "1,234,567".
inline std::string with_commas(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
    return text;
}

}  // namespace word_count

// Cuts words: runs of [A-Za-z], lower-cased. All other bytes, also those of UTF-8, separate words.
//
// Threads: pure functions.
// Cost:    about 1 ns a byte.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace word_count {

/// The lower-case letter for each byte that is a letter, 0 for all others.
inline constexpr std::array<char, 256> kLowerCase = [] {
    std::array<char, 256> lower{};
    for (std::size_t i = 0; i < 26; ++i) {
        lower['a' + i] = lower['A' + i] = static_cast<char>('a' + i);
    }
    return lower;
}();

inline bool is_letter(char byte) {
    return kLowerCase[static_cast<unsigned char>(byte)] != 0;
}

/// Calls visit(std::string_view) for each word of `text`, in order. The words lie in `room`, whose
/// content is overwritten; it is a parameter so that one allocation serves all lines.
template <typename Visit>
void for_each_word(std::string_view text, std::string& room, Visit&& visit) {
    if (room.size() < text.size()) room.resize(text.size());
    char* const start = room.data();
    char* end = start;
    for (const char byte : text) {
        const char lower = kLowerCase[static_cast<unsigned char>(byte)];
        if (lower != 0) {
            *end++ = lower;
        } else if (end != start) {
            visit(std::string_view(start, static_cast<std::size_t>(end - start)));
            end = start;
        }
    }
    if (end != start) visit(std::string_view(start, static_cast<std::size_t>(end - start)));
}

}  // namespace word_count

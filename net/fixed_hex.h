// Numbers with a fixed count of hex digits: "0000000a".
//
// Threads: plain values.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace storm::net {

/// REQUIRES: the number is not negative, and has no more digits than that.
template <typename Number>
std::string fixed_hex(Number number, std::size_t digits) {
    std::array<char, std::numeric_limits<std::uintmax_t>::digits / 4> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number, 16).ptr;
    const auto count = static_cast<std::size_t>(end - text.data());
    return std::string(digits - count, '0').append(text.data(), count);
}

/// Nothing unless the text is that many digits in lower case, and fits into a Number.
template <typename Number>
std::optional<Number> from_fixed_hex(std::string_view text, std::size_t digits) {
    const bool is_hex = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
    if (text.size() != digits || !is_hex) return std::nullopt;
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace storm::net

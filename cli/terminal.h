// Properties of the output, and texts for people.
//
// Threads: pure functions, except terminal_of().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace storm::cli {

struct Terminal {
    bool is_terminal = false;
    bool colours = false;   ///< True on a terminal, unless $NO_COLOR or TERM=dumb is set.
    std::size_t width = 0;  ///< Columns; 0: lines may have any length.
};

/// The terminal behind the descriptor.
Terminal terminal_of(int descriptor);

enum class Colour : std::uint8_t { kPlain, kGood, kBad, kWarning, kFaint };
std::string coloured(std::string_view text, Colour colour, const Terminal& terminal);

/// Without control characters, so that a text from elsewhere cannot control the terminal. Line
/// feeds and tabs become spaces, all others `?`.
std::string printable(std::string_view text);

/// Width in columns: one per character.
std::size_t columns_of(std::string_view text);
/// At most `columns` wide, with `…` at the end if something was cut off.
std::string fitted(std::string_view text, std::size_t columns);

std::string grouped(std::uint64_t number);      ///< "1,234,567"
std::string duration_text(std::uint64_t secs);  ///< "3d 4h", "5m 10s", "7s"
std::string micros_text(std::uint64_t micros);  ///< "250 us", "1.2 ms", "3.4 s"
std::string bytes_text(std::uint64_t bytes);    ///< "7.3 MB"
std::string time_text(std::int64_t unix_ms);    ///< "2026-11-21 05:52:03", local

}  // namespace storm::cli

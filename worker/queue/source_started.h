// A mark in the data lane, written by the receiving worker itself: from here on this channel
// carries rows of a new life of the source's worker.
//
// It looks like a control record of a kind that no peer may send (wire/row_codec.h refuses it),
// and keeps its place between the rows of the old and of the new life.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include <storm/detail/row.h>

namespace storm::worker {

inline constexpr std::size_t kSourceStartedBytes = detail::kRowHeaderBytes;
inline constexpr std::uint64_t kSourceStartedRow = std::uint64_t{kSourceStartedBytes} |
                                                   std::uint64_t{detail::kRowControl} << 24 |
                                                   std::uint64_t{0xffff} << 32;

inline void write_source_started(std::byte* row) {
    detail::store(row, kSourceStartedRow);
}
inline bool is_source_started(const std::byte* row) {
    return detail::load<std::uint64_t>(row) == kSourceStartedRow;
}

}  // namespace storm::worker

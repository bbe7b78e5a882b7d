// Hashes of keys, which decide where a fields grouping sends a row. docs/wire-format.md specifies
// them, with test vectors: a change would move keys, but not the state that tasks hold for them.
//
// Threads: pure functions.
// Cost:    3 ns for an int64 or a word, hashed in place. Several fields (14 ns for two) and values
//          with doubles are copied first: on the stack up to 1 KiB, else on the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace storm::wire {

/// Hashes the values of `fields`, in this order. REQUIRES: the row is well-formed and has these
/// fields; offsets_at is row_offsets_at(row).
std::uint64_t key_hash(const std::byte* row, std::size_t offsets_at,
                       std::span<const std::uint16_t> fields);

}  // namespace storm::wire

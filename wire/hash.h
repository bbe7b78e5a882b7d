// Hashes of keys: which task of a fields grouping a row goes to. docs/wire-format.md specifies
// them, with vectors; changing one moves keys between tasks, and with them the state that the tasks
// hold.
//
// Threads: pure functions.
// Cost:    3 ns for an int64 or a word, hashed where it stands. Several fields (14 ns for two), and
//          values that hold doubles, are copied first: on the stack up to 1 KiB, else on the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace storm::wire {

/// Of the values of `fields`, in this order.
/// REQUIRES: the row is well-formed and has these fields; offsets_at is row_offsets_at(row).
std::uint64_t key_hash(const std::byte* row, std::size_t offsets_at,
                       std::span<const std::uint16_t> fields);

inline constexpr std::uint32_t kKeyGroups = 1U << 15;

constexpr std::uint32_t key_group(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 49);
}

/// The target of a key group among n, where no table was assigned.
/// REQUIRES: group < kKeyGroups, n < 2^48.
constexpr std::size_t target_index(std::uint32_t group, std::size_t n) {
    return (std::size_t{group} * n) >> 15;
}

}  // namespace storm::wire

// Key groups: each hash of a key belongs to one of 2^15 groups, and each group to one target.
//
// docs/wire-format.md specifies both: another arithmetic would move keys, but not the state that
// tasks hold for them.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace storm::groupings {

inline constexpr std::uint32_t kKeyGroups = 1U << 15;

constexpr std::uint32_t key_group(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 49);
}

/// The index of the target that a group belongs to. REQUIRES: group < kKeyGroups, targets < 2^48.
constexpr std::size_t target_of_group(std::uint32_t group, std::size_t targets) {
    return (std::size_t{group} * targets) >> 15;
}

/// The index of the target of a key.
constexpr std::size_t target_of_key(std::uint64_t hash, std::size_t targets) {
    return target_of_group(key_group(hash), targets);
}

}  // namespace storm::groupings

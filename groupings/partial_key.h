// Partial key grouping: each key has two targets; the one that this emitter has used less is
// chosen. If that one is gone, the other one is.
//
// Spreads keys that are too frequent for one target. The state of such a key is then in two parts,
// which a later bolt must join. (Nasir et al.: "The power of both choices", ICDE 2015.)
//
// Threads: one instance for each emitting task.
// Cost:    a few ns; 4 bytes for each target.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "groupings/credit.h"
#include "groupings/key_groups.h"
#include "groupings/setup.h"

namespace storm::groupings {

class PartialKey {
public:
    static constexpr GroupingKind kKind = GroupingKind::kPartialKey;
    static PartialKey make(const Setup& setup) { return PartialKey(setup.tasks.size()); }

    /// REQUIRES: 0 < targets < 2^31.
    explicit PartialKey(std::size_t targets) : used_(targets, 0) {
        STORM_CHECK(targets > 0, "a grouping has at least one target");
    }

    /// The two targets of a key; the first is the one that Fields would choose. If there is only
    /// one target, both are the same.
    std::array<std::size_t, 2> candidates(std::uint64_t hash) const {
        const std::size_t targets = used_.size();
        const std::size_t first = target_of_key(hash, targets);
        // Uses other bits of the hash, so that all the other targets are equally likely.
        const std::size_t distance = ((hash & 0xFFFF'FFFF) * (targets - 1)) >> 32;
        const std::size_t second = first + 1 + distance;
        return {first, second < targets ? second : second - targets};
    }

    /// `credit(index)` is only asked whether a target is gone.
    template <typename CreditOf>
    std::size_t choose(std::uint64_t hash, CreditOf&& credit) {
        const auto [first, second] = candidates(hash);
        std::size_t index = used_[second] < used_[first] ? second : first;
        if (credit(index) == Credit::kGone) [[unlikely]] {
            const std::size_t other = index == first ? second : first;
            if (credit(other) != Credit::kGone) index = other;
        }
        if (++used_[index] == kUsedMax) [[unlikely]]
            halve();
        return index;
    }

    template <typename Row, typename To>
    bool send(const Row& row, const To& to) {
        return to(choose(row.hash(), [&row](std::size_t index) { return row.credit(index); }));
    }

private:
    static constexpr std::uint32_t kUsedMax = 1U << 20;

    // Old rows count less and less, while the differences that matter stay.
    void halve() {
        for (std::uint32_t& used : used_) used /= 2;
    }

    std::vector<std::uint32_t> used_;  // Rows given to each target.
};

}  // namespace storm::groupings

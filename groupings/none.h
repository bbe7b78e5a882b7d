// None grouping: the user does not care, so any target, with equal probability.
//
// Threads: immutable; the caller owns the random number generator.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/check.h"

namespace storm::groupings {

class None {
public:
    /// REQUIRES: 0 < targets < 2^32.
    explicit None(std::size_t targets) : targets_(targets) {
        STORM_CHECK(targets > 0, "a grouping has at least one target");
    }

    /// random() returns 64 random bits.
    template <typename Random>
    std::size_t choose(Random&& random) const {
        const std::uint64_t bits = random();
        return static_cast<std::size_t>(((bits >> 32) * targets_) >> 32);
    }

private:
    std::size_t targets_;
};

}  // namespace storm::groupings

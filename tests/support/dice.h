// Randomness for the random topologies of soaks.
//
// Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/random.h"

namespace storm::testing {

class Dice {
public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}
    /// From least to most, both included.
    std::int64_t roll(std::int64_t least, std::int64_t most) {
        return least + static_cast<std::int64_t>(
                           random_.below(static_cast<std::uint32_t>(most - least + 1)));
    }
    bool one_in(std::int64_t n) { return roll(1, n) == 1; }
    /// An index of as many. REQUIRES: count > 0.
    std::size_t index(std::size_t count) {
        return static_cast<std::size_t>(roll(0, static_cast<std::int64_t>(count) - 1));
    }
    std::uint64_t seed() { return random_.next(); }

private:
    base::Random random_;
};

/// One draw of several things, of which at most one comes: each asks in turn for its share.
class Draw {
public:
    Draw(Dice& dice, std::int64_t all) : roll_(dice.roll(0, all - 1)) {}
    bool falls(std::int64_t share) {
        const bool here = 0 <= roll_ && roll_ < share;
        roll_ -= share;
        return here;
    }

private:
    std::int64_t roll_;
};

}  // namespace storm::testing

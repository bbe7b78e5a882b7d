// All grouping: every target gets a copy.
//
// Threads: immutable.
#pragma once

#include <cstddef>

#include "base/check.h"

namespace storm::groupings {

class All {
public:
    /// REQUIRES: targets > 0.
    explicit All(std::size_t targets) : targets_(targets) {
        STORM_CHECK(targets > 0, "a grouping has at least one target");
    }

    std::size_t size() const { return targets_; }

    /// Calls use(index) for each target, in order.
    template <typename Use>
    void each(Use&& use) const {
        for (std::size_t i = 0; i < targets_; ++i) use(i);
    }

private:
    std::size_t targets_;
};

}  // namespace storm::groupings

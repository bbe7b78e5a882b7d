// Shuffle grouping: each target in turn; those without credit are skipped.
//
// Threads: one instance for each emitting task.
// Cost:    about 1 ns; no division.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/check.h"

namespace storm::groupings {

class Shuffle {
public:
    /// `start` is random, so that emitters that start together do not all begin with the same
    /// target. REQUIRES: targets > 0.
    Shuffle(std::size_t targets, std::uint64_t start) : targets_(targets) {
        STORM_CHECK(targets > 0, "a grouping has at least one target");
        next_ = static_cast<std::size_t>(start % targets);
    }

    /// The next target for which has_credit(index) is true; the next one anyway if there is none.
    template <typename HasCredit>
    std::size_t choose(HasCredit&& has_credit) {
        std::size_t index = next_;
        if (!has_credit(index)) [[unlikely]]
            index = first_with_credit(index, has_credit);
        // Continues behind the target chosen, so that the others share the load of skipped ones
        // evenly.
        next_ = after(index);
        return index;
    }

private:
    std::size_t after(std::size_t index) const { return index + 1 == targets_ ? 0 : index + 1; }

    template <typename HasCredit>
    std::size_t first_with_credit(std::size_t refused, HasCredit& has_credit) const {
        for (std::size_t i = after(refused); i != refused; i = after(i)) {
            if (has_credit(i)) return i;
        }
        return refused;
    }

    std::size_t targets_;
    std::size_t next_ = 0;
};

}  // namespace storm::groupings

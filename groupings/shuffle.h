// Shuffle grouping: each target in turn; those without credit are skipped. A target that is gone
// gets nothing while any other one is there.
//
// Threads: one instance for each emitting task.
// Cost:    about 1 ns; no division.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "groupings/credit.h"
#include "groupings/setup.h"

namespace storm::groupings {

class Shuffle {
public:
    static constexpr GroupingKind kKind = GroupingKind::kShuffle;
    static constexpr bool kSkipsExhausted = true;
    static Shuffle make(const Setup& setup) {
        return Shuffle(setup.tasks.size(), setup.random.next());
    }

    /// `start` is random, so that emitters that start together do not all begin with the same
    /// target. REQUIRES: targets > 0.
    Shuffle(std::size_t targets, std::uint64_t start) : targets_(targets) {
        STORM_CHECK(targets > 0, "a grouping has at least one target");
        next_ = static_cast<std::size_t>(start % targets);
    }

    /// The next target with credit(index) == Credit::kSome; if there is none, the next one that is
    /// not gone; if all are, the next one.
    template <typename CreditOf>
    std::size_t choose(CreditOf&& credit) {
        std::size_t index = next_;
        if (credit(index) != Credit::kSome) [[unlikely]]
            index = best(credit);
        // Continues behind the target chosen, so that the others share the load of skipped ones
        // evenly.
        next_ = after(index);
        return index;
    }

    template <typename Row, typename To>
    bool send(const Row& row, const To& to) {
        return to(choose([&row](std::size_t index) { return row.credit(index); }));
    }

private:
    std::size_t after(std::size_t index) const { return index + 1 == targets_ ? 0 : index + 1; }

    template <typename CreditOf>
    std::size_t best(CreditOf& credit) const {
        std::size_t present = targets_;  // The first without credit that is not gone.
        for (std::size_t left = targets_, i = next_; left > 0; --left, i = after(i)) {
            const Credit has = credit(i);
            if (has == Credit::kSome) return i;
            if (has == Credit::kNone && present == targets_) present = i;
        }
        return present == targets_ ? next_ : present;
    }

    std::size_t targets_;
    std::size_t next_ = 0;
};

}  // namespace storm::groupings

// None grouping: the user does not care, so any target that is not gone, at random.
//
// Threads: immutable; the caller owns the random number generator.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "groupings/credit.h"
#include "groupings/setup.h"

namespace storm::groupings {

class None {
public:
    static constexpr GroupingKind kKind = GroupingKind::kNone;
    static None make(const Setup& setup) { return None(setup.tasks.size()); }

    /// REQUIRES: 0 < targets < 2^32.
    explicit None(std::size_t targets) : targets_(targets) {
        STORM_CHECK(targets > 0, "a grouping has at least one target");
    }

    /// random() returns 64 random bits. Each target has the same chance as long as none is gone.
    /// `credit(index)` is only asked for that.
    template <typename Random, typename CreditOf>
    std::size_t choose(Random&& random, CreditOf&& credit) const {
        const std::uint64_t bits = random();
        const auto index = static_cast<std::size_t>(((bits >> 32) * targets_) >> 32);
        if (credit(index) == Credit::kGone) [[unlikely]]
            return present_from(index, credit);
        return index;
    }

    template <typename Row, typename To>
    bool send(const Row& row, const To& to) const {
        return to(choose([&row] { return row.random(); },
                         [&row](std::size_t index) { return row.credit(index); }));
    }

private:
    /// The first one from `index` on that is not gone; `index` if all are.
    template <typename CreditOf>
    std::size_t present_from(std::size_t index, CreditOf& credit) const {
        for (std::size_t n = 1; n < targets_; ++n) {
            const std::size_t other = (index + n) % targets_;
            if (credit(other) != Credit::kGone) return other;
        }
        return index;
    }

    std::size_t targets_;
};

}  // namespace storm::groupings

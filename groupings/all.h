// All grouping: every target gets a copy.
//
// Threads: immutable.
#pragma once

#include <cstddef>

#include "base/check.h"
#include "groupings/setup.h"

namespace storm::groupings {

class All {
public:
    static constexpr GroupingKind kKind = GroupingKind::kAll;
    static All make(const Setup& setup) { return All(setup.tasks.size()); }

    /// REQUIRES: targets > 0.
    explicit All(std::size_t targets) : targets_(targets) {
        STORM_CHECK(targets > 0, "a grouping has at least one target");
    }

    std::size_t size() const { return targets_; }

    template <typename Row, typename To>
    bool send(const Row&, const To& to) const {
        bool sent = true;
        for (std::size_t i = 0; i < targets_; ++i) sent = to(i) && sent;
        return sent;
    }

private:
    std::size_t targets_;
};

}  // namespace storm::groupings

// Direct grouping: the emitter names the task, which must be one of the targets.
//
// Threads: immutable.
// Cost:    1 ns if the task ids are consecutive, as those of one component are; else a binary
//          search.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <storm/value.h>

#include "base/check.h"
#include "groupings/setup.h"

namespace storm::groupings {

class Direct {
public:
    static constexpr GroupingKind kKind = GroupingKind::kDirect;
    static Direct make(const Setup& setup) { return Direct(setup.tasks); }

    /// REQUIRES: not empty, strictly ascending.
    explicit Direct(std::vector<TaskId> targets) : targets_(std::move(targets)) {
        STORM_CHECK(!targets_.empty(), "a grouping has at least one target");
        STORM_CHECK(std::adjacent_find(targets_.begin(), targets_.end(), std::greater_equal<>()) ==
                        targets_.end(),
                    "targets ascend, so that every emitter numbers them alike");
    }

    /// The index of `task`, if it is a target.
    std::optional<std::size_t> choose(TaskId task) const {
        if (task < targets_.front()) return std::nullopt;
        const std::size_t guess = static_cast<std::size_t>(std::int64_t{task} - targets_.front());
        if (guess < targets_.size() && targets_[guess] == task) [[likely]]
            return guess;
        const auto found = std::lower_bound(targets_.begin(), targets_.end(), task);
        if (found == targets_.end() || *found != task) return std::nullopt;
        return static_cast<std::size_t>(found - targets_.begin());
    }

    /// Nothing: the emitter itself sends to the task that it names.
    template <typename Row, typename To>
    bool send(const Row&, const To&) const {
        return true;
    }

    const std::vector<TaskId>& targets() const { return targets_; }

private:
    std::vector<TaskId> targets_;
};

}  // namespace storm::groupings

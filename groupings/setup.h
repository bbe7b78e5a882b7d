// The input of every grouping: a subscription, its targets, and the task that emits.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <storm/context.h>
#include <storm/topology.h>

#include "base/random.h"

namespace storm::groupings {

/// The way of a row to its target.
enum class Distance : std::uint8_t { kSameLoop = 0, kSameWorker = 1, kElsewhere = 2 };

/// Borrowed while a grouping is made.
struct Setup {
    const Subscription& input;
    const std::string& component;      ///< The receiver, which the targets belong to.
    const std::vector<TaskId>& tasks;  ///< The targets, in ascending order; not empty.
    const TaskContext& emitter;
    std::function<Distance(TaskId)> distance;
    base::Random& random;
};

}  // namespace storm::groupings

// Custom groupings: the user's own choice of the tasks that get a tuple.
//
// Threads: one instance for each emitting task and subscription, used only by that task.
#pragma once

#include <span>
#include <vector>

#include <storm/context.h>
#include <storm/tuple.h>

namespace storm {

///     class Even final : public storm::Grouping {   // Even numbers to the first task, odd ones to
///     the last.
///         void prepare(const storm::TaskContext&, std::span<const storm::TaskId> targets) override
///         {
///             targets_.assign(targets.begin(), targets.end());
///         }
///         void choose(const storm::Tuple& tuple, std::vector<storm::TaskId>& chosen) override {
///             chosen.push_back(tuple.int64(0) % 2 == 0 ? targets_.front() : targets_.back());
///         }
///         std::vector<storm::TaskId> targets_;
///     };
class Grouping {
public:
    virtual ~Grouping() = default;
    virtual void prepare(const TaskContext& context, std::span<const TaskId> targets) = 0;
    /// Appends to `chosen` (given empty): none, one or several of the targets.
    virtual void choose(const Tuple& tuple, std::vector<TaskId>& chosen) = 0;
};

}  // namespace storm

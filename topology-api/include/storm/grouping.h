// Custom groupings: the user's code chooses the tasks that get a tuple.
//
// Order:   constructor, prepare(), then choose() for each tuple.
// Threads: there is one instance for each emitting task and subscription, used by that task alone.
//          The function given to custom(), and prepare(), are called before any open() or
//          prepare() of a spout or bolt; for a bolt that begins again, before its prepare().
#pragma once

#include <span>
#include <vector>

#include <storm/context.h>
#include <storm/tuple.h>

namespace storm {

/// Chooses the tasks for a tuple. BoltDeclarer::custom() makes it a subscription's grouping.
///
///     class Even final : public storm::Grouping {
///     public:
///         void prepare(const storm::TaskContext&,
///                      std::span<const storm::TaskId> targets) override {
///             targets_.assign(targets.begin(), targets.end());
///         }
///         void choose(const storm::Tuple& tuple, std::vector<storm::TaskId>& chosen) override {
///             // Even numbers go to the first task, odd ones to the last.
///             chosen.push_back(tuple.int64(0) % 2 == 0 ? targets_.front() : targets_.back());
///         }
///
///     private:
///         std::vector<storm::TaskId> targets_;
///     };
class Grouping {
public:
    virtual ~Grouping() = default;

    /// Called once. `context` is the emitting task's. `targets` are the tasks of the subscribing
    /// bolt, at least one, in ascending order; copy them, for the span is valid only in this call.
    /// An exception stops the topology with its message.
    virtual void prepare(const TaskContext& context, std::span<const TaskId> targets) = 0;

    /// Called inside each emit, on the emitting task's thread. Appends none, one or several of the
    /// targets to `chosen`, which is empty at first; a target that is named twice gets the tuple
    /// twice. `tuple` is the emitted tuple, valid only in this call.
    ///
    /// An exception, or a task that is not a target, makes the emit throw EmitError; then nothing
    /// has been emitted.
    virtual void choose(const Tuple& tuple, std::vector<TaskId>& chosen) = 0;
};

}  // namespace storm

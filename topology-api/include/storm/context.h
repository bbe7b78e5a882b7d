// A task's view of where it runs, and the way for other threads to reach it.
//
// Order:   valid from open() or prepare() on. A copy may outlive the task; post() then returns
//          false.
// Threads: post() from any thread; all else from the task's own calls.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <storm/config.h>
#include <storm/value.h>

namespace storm {

/// A number that only grows, made by TaskContext::counter().
///
/// Threads: add() by the task that asked for it; value() by any.
class Counter {
public:
    /// Adds `n`.
    void add(std::uint64_t n = 1) {
        // Not a read-modify-write: one writer, and readers need no order. 0.3 ns.
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    /// The sum of what was added during this life of the task.
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

namespace detail {

/// A callable that is moved, never copied: post() queues these.
class Posted {
public:
    virtual ~Posted() = default;
    virtual void run() = 0;
};

class TaskSite {  // Implemented by the engine.
public:
    virtual ~TaskSite() = default;
    virtual TaskId task() const = 0;
    virtual std::string_view component() const = 0;
    virtual int index() const = 0;
    virtual std::vector<TaskId> tasks_of(std::string_view component) const = 0;
    virtual const Config& config() const = 0;
    virtual Counter& counter(std::string_view name) = 0;
    virtual void set_status(std::string status) = 0;
    virtual void log(int level, std::string_view message) = 0;
    virtual bool post(std::unique_ptr<Posted> posted) = 0;
};

}  // namespace detail

/// Given to a task in open() and prepare(). Cheap to copy.
///
///     storm::Counter& late = context.counter("late");  // Shown as storm_task_late_total.
///     late.add();
///     context.log_info("task " + std::to_string(context.task()) + " of " +
///                      std::to_string(context.tasks_of(context.component()).size()));
class TaskContext {
public:
    /// Used by the engine.
    explicit TaskContext(std::shared_ptr<detail::TaskSite> site) : site_(std::move(site)) {}

    /// The task's number, from 1, different for all tasks of the topology.
    TaskId task() const { return site_->task(); }
    /// The id of the task's component, as given to TopologyBuilder.
    std::string_view component() const { return site_->component(); }
    /// This task's place among the tasks of its component, from 0.
    int index() const { return site_->index(); }
    /// The tasks of a component, in ascending order, in all workers. Empty: no such component, or
    /// the task has ended.
    std::vector<TaskId> tasks_of(std::string_view component) const {
        return site_->tasks_of(component);
    }
    /// The topology's configuration with the component's own settings (`set()`) over it.
    const Config& config() const { return site_->config(); }

    /// A counter of this task, made by the first call with this name; lives as long as the task.
    /// The sum over the tasks of a component appears at /metrics as storm_task_<name>_total. Looks
    /// the name up under a lock: keep the reference.
    Counter& counter(std::string_view name) const { return site_->counter(name); }
    /// Says in one line what this task is doing; the live status of a run outside of a cluster
    /// shows the last one. Takes a lock: not for every tuple.
    void set_status(std::string status) const { site_->set_status(std::move(status)); }
    /// Logs a line to stderr, with the component and the task. It takes microseconds and is not
    /// rate-limited: not for every tuple.
    void log_info(std::string_view message) const { site_->log(0, message); }
    /// The same as a warning.
    void log_warn(std::string_view message) const { site_->log(1, message); }
    /// The same as an error. report_error() of a collector also counts it.
    void log_error(std::string_view message) const { site_->log(2, message); }

    /// Has `fn` called between two calls of this task, where it may use the task's collector and
    /// members. Any thread may call this. `fn` may be move-only, and so own a Kept.
    ///
    ///     context.post([out, kept = out.keep(input)]() mutable { out.ack(std::move(kept)); });
    ///
    /// `fn` waits while the task's targets can take no more; for a spout also while the topology is
    /// inactive. An exception of `fn` is logged and counted, and the run has failed (exit code 1).
    ///
    /// Returns false, and drops `fn`, if the task has ended or is about to: nothing more comes to a
    /// bolt, or a spout has said finished() or is drained, and everything posted before has run.
    ///
    /// While 16,384 calls of the task are waiting, a thread of the user's own blocks in post(). So
    /// among the task's calls only open() and prepare(), activate(), deactivate(), inputs_ended(),
    /// finish(), close() and cleanup() may wait for such a thread.
    template <typename Fn>
    bool post(Fn&& fn) const {
        struct Call final : detail::Posted {
            explicit Call(Fn&& callable) : call(std::forward<Fn>(callable)) {}
            void run() override { call(); }
            std::decay_t<Fn> call;
        };
        return site_->post(std::make_unique<Call>(std::forward<Fn>(fn)));
    }

private:
    std::shared_ptr<detail::TaskSite> site_;  // Owners: the engine's task, and users' copies.
};

}  // namespace storm

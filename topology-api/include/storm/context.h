// What a task knows of where it runs.
//
// Order:   valid from open()/prepare() on. A copy may outlive the task; post() then returns false.
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

/// A number that only grows, made by TaskContext::counter(). One writer: the task that asked for
/// it.
class Counter {
public:
    void add(std::uint64_t n = 1) {
        // Not a read-modify-write: one writer, and readers need no order. 0.3 ns.
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

namespace detail {

/// A callable that is moved, never copied: what post() queues.
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

class TaskContext {
public:
    explicit TaskContext(std::shared_ptr<detail::TaskSite> site) : site_(std::move(site)) {}

    TaskId task() const { return site_->task(); }
    std::string_view component() const { return site_->component(); }
    /// 0 … number of tasks of the component - 1.
    int index() const { return site_->index(); }
    /// In ascending order. Empty: no such component.
    std::vector<TaskId> tasks_of(std::string_view component) const {
        return site_->tasks_of(component);
    }
    /// The topology's configuration with the component's own settings (`set()`) over it.
    const Config& config() const { return site_->config(); }

    /// The same object for the same name; lives as long as the task. Shown as
    /// storm_task_<name>_total at /metrics.
    Counter& counter(std::string_view name) const { return site_->counter(name); }
    /// One line on what this task is at, shown in the live status. Not for every tuple.
    void set_status(std::string status) const { site_->set_status(std::move(status)); }
    void log_info(std::string_view message) const { site_->log(0, message); }
    void log_warn(std::string_view message) const { site_->log(1, message); }
    void log_error(std::string_view message) const { site_->log(2, message); }

    /// Runs `fn` on this task's executor, between two of its calls, as soon as the task may emit:
    /// it waits while the task's targets take no more, and a spout's while the topology is
    /// inactive. `fn` may be move-only (and so own a Kept). False, and `fn` is dropped, when the
    /// task has ended, or is about to: nothing more comes to a bolt, a spout has said finished() or
    /// is drained, and what was posted before has run. A thread of your own that posts waits while
    /// 16,384 calls do, so no call of yours may wait for such a thread but open() and prepare(),
    /// activate(), deactivate(), inputs_ended(), finish(), close() and cleanup().
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
    std::shared_ptr<detail::TaskSite>
        site_;  // Owners: the engine's task, and copies that the user made.
};

}  // namespace storm

// Where a run of a topology stands: what loops and executors ask at each turn, and what they tell.
//
//     preparing ──► running ──► finished, when every task has ended
//         │           │  ▲          │
//         │           │  └──────────┘ a task is reopened
//         └───────────┴──► failed
//
// Order:   expect() for each executor, then started() once; on_change() and wake_loops_with()
//          before.
// Threads: any. The lock is held for a few statements; what is called back, is called without it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace storm::worker {

class RunState {
public:
    enum class State : std::uint8_t { kRunning, kFinished, kFailed };

    /// `changed` is called when all is prepared and when the state has changed.
    void on_change(std::function<void()> changed) { on_change_ = std::move(changed); }
    /// `wake` lets every loop look at this again.
    void wake_loops_with(std::function<void()> wake) { wake_loops_ = std::move(wake); }
    /// An executor with so many tasks is to be opened or prepared.
    void expect(bool is_spout, std::size_t tasks);
    /// All that are expected are, and their loops run.
    void started() { one_prepared(); }

    // ---- For loops and executors.
    bool stopping() const { return stopping_.load(std::memory_order_acquire); }
    /// It has failed: loops end without touching what may not have been prepared.
    bool halted() const { return halted_.load(std::memory_order_acquire); }
    bool draining() const { return draining_.load(std::memory_order_acquire); }
    bool prepared() const { return unprepared_.load(std::memory_order_acquire) == 0; }
    /// Some open() or prepare() is not over, or has not begun.
    bool opening() const { return unopened_.load(std::memory_order_acquire) > 0; }
    bool spouts_active() const { return active_.load(std::memory_order_acquire) && !draining(); }

    void executor_opened(bool is_spout);
    void task_ended();
    /// One that had ended has not: it waits for its inputs again.
    void task_reopened();
    void fail(std::string why);
    /// The others go on to their end, but it is a failure then: a result may be missing.
    void fail_at_end(std::string why);

    // ---- For the engine.
    void stop() { stopping_.store(true, std::memory_order_release); }
    void drain() { draining_.store(true, std::memory_order_release); }
    /// Whether that is new.
    bool set_active(bool active) {
        return active_.exchange(active, std::memory_order_acq_rel) != active;
    }
    /// Until the state is no longer kRunning, or `timeout` is over.
    State wait(base::Micros timeout);
    /// Why it failed.
    std::string failure() const;

private:
    void one_prepared();
    void set_state(State state);

    std::atomic<bool> stopping_{false};
    std::atomic<bool> halted_{false};
    std::atomic<bool> draining_{false};
    std::atomic<bool> active_{true};
    std::atomic<std::size_t> unprepared_{1};  // Bolt executors; and one until started().
    std::atomic<std::size_t> unopened_{0};    // Executors.
    std::atomic<std::size_t> running_tasks_{0};

    std::function<void()> on_change_;  // These two are constant once it runs.
    std::function<void()> wake_loops_;

    mutable std::mutex mutex_;  // Guards what follows.
    std::condition_variable changed_;
    State state_ = State::kRunning;
    std::string failure_;
};

}  // namespace storm::worker

// The state of a topology's run: loops and executors check it each turn, and report to it.
//
//     preparing ──► running ──► finished, when every task has ended
//         │           │  ▲          │
//         │           │  └──────────┘ a task is reopened
//         └───────────┴──► failed
//
// Order:   on_change() and wake_loops_with(), then expect() for each executor, then started()
//          once.
// Threads: any. The lock is held for a few statements, and never during a callback.
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

    /// `changed` is called when everything is prepared, and when the state has changed.
    void on_change(std::function<void()> changed) { on_change_ = std::move(changed); }
    /// `wake` makes every loop look at this again.
    void wake_loops_with(std::function<void()> wake) { wake_loops_ = std::move(wake); }
    /// An executor with this many tasks will be opened or prepared.
    void expect(bool is_spout, std::size_t tasks);
    /// All expected executors exist, and their loops run.
    void started() { one_prepared(); }

    // ---- For loops and executors.
    bool stopping() const { return stopping_.load(std::memory_order_acquire); }
    /// It has failed: loops end without touching anything that may not be prepared.
    bool halted() const { return halted_.load(std::memory_order_acquire); }
    bool draining() const { return draining_.load(std::memory_order_acquire); }
    bool prepared() const { return unprepared_.load(std::memory_order_acquire) == 0; }
    /// Whether some open() or prepare() is not over yet.
    bool opening() const { return unopened_.load(std::memory_order_acquire) > 0; }
    bool spouts_active() const { return active_.load(std::memory_order_acquire) && !draining(); }

    void executor_opened(bool is_spout);
    void task_ended();
    /// A task that had ended waits for its inputs again.
    void task_reopened();
    void fail(std::string why);
    /// The others go on to their end, but then it counts as failed: a result may be missing.
    void fail_at_end(std::string why);

    // ---- For the engine.
    void stop() { stopping_.store(true, std::memory_order_release); }
    void drain() { draining_.store(true, std::memory_order_release); }
    /// Returns whether it changed.
    bool set_active(bool active) {
        return active_.exchange(active, std::memory_order_acq_rel) != active;
    }
    /// Waits until the state is no longer kRunning, or `timeout` is over.
    State wait(base::Micros timeout);
    /// The reason of the failure.
    std::string failure() const;

private:
    void one_prepared();
    void set_state(State state);

    std::atomic<bool> stopping_{false};
    std::atomic<bool> halted_{false};
    std::atomic<bool> draining_{false};
    std::atomic<bool> active_{true};
    std::atomic<std::size_t> unprepared_{1};  // Bolt executors, and one until started().
    std::atomic<std::size_t> unopened_{0};    // Executors.
    std::atomic<std::size_t> running_tasks_{0};

    std::function<void()> on_change_;  // Both are constant once it runs.
    std::function<void()> wake_loops_;

    mutable std::mutex mutex_;  // Guards the following.
    std::condition_variable changed_;
    State state_ = State::kRunning;
    std::string failure_;
};

}  // namespace storm::worker

#include "worker/executor/run_state.h"

#include <chrono>
#include <utility>

namespace storm::worker {

void RunState::expect(bool is_spout, std::size_t tasks) {
    running_tasks_.fetch_add(tasks);
    unopened_.fetch_add(1);
    if (!is_spout) unprepared_.fetch_add(1);
}

void RunState::executor_opened(bool is_spout) {
    unopened_.fetch_sub(1, std::memory_order_acq_rel);
    if (!is_spout) one_prepared();
}

void RunState::one_prepared() {
    if (unprepared_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    wake_loops_();
    if (on_change_) on_change_();
}

// The last task to end decides, without the lock: set_state() looks at the count again under it,
// where task_reopened() changes it. So a run is never over while a task waits for inputs anew.
void RunState::task_ended() {
    if (running_tasks_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    set_state(failure().empty() ? State::kFinished : State::kFailed);
}

void RunState::task_reopened() {
    {
        const std::lock_guard lock(mutex_);
        running_tasks_.fetch_add(1, std::memory_order_acq_rel);
        if (state_ == State::kFinished) state_ = State::kRunning;
    }
    if (on_change_) on_change_();
}

void RunState::fail(std::string why) {
    {
        const std::lock_guard lock(mutex_);
        if (failure_.empty()) failure_ = std::move(why);
    }
    // First, because set_state() takes a halted run for over.
    halted_.store(true, std::memory_order_release);
    set_state(State::kFailed);
    wake_loops_();
}

// No change of state, so nobody needs to look: the last task that ends finds the text.
void RunState::fail_at_end(std::string why) {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = std::move(why);
}

void RunState::set_state(State state) {
    {
        const std::lock_guard lock(mutex_);
        // A task may have been reopened meanwhile.
        const bool over = halted() || running_tasks_.load(std::memory_order_acquire) == 0;
        if (state_ == State::kRunning && over) state_ = state;
        changed_.notify_all();
    }
    if (on_change_) on_change_();
}

RunState::State RunState::wait(base::Micros timeout) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::microseconds(timeout),
                      [this] { return state_ != State::kRunning; });
    return state_;
}

std::string RunState::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

}  // namespace storm::worker

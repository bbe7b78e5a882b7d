// When a step is over, without a look at the clock for each call of user code.
//
// The number of calls between two looks adapts to how long they take: from 1 to kCallsPerClockMax.
//
// Threads: one; progress() from any. Cost: a decrement per call; 24 ns for each look.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "worker/queue/limits.h"

namespace storm::worker {

class StepClock {
public:
    explicit StepClock(const base::Clock& clock) : clock_(clock) {}

    void start(base::Micros now) { looked_ = started_ = now; }
    /// The time as of the last look.
    base::Micros now() const { return looked_; }
    /// After each call of user code: whether it looked at the clock.
    bool looks() {
        const std::uint32_t left = calls_left() - 1;
        calls_left_.store(left, std::memory_order_relaxed);
        if (left > 0) [[likely]]
            return false;
        look();
        return true;
    }
    /// Whether the step has taken long enough, as of the last look.
    bool was_over() const { return looked_ - started_ >= kStepMicros; }
    /// After each call of user code: whether the step has taken long enough.
    bool over() { return looks() && was_over(); }
    /// Another number after each call, for who looks now and then whether calls still end.
    std::uint32_t progress() const { return calls_left(); }

private:
    // Nothing hangs on the order in which another thread sees this.
    std::uint32_t calls_left() const { return calls_left_.load(std::memory_order_relaxed); }

    void look() {
        const base::Micros now = clock_.now();
        const base::Micros since = now - looked_;
        looked_ = now;
        // Aim at a look every eighth of a step.
        if (since > kStepMicros / 4) {
            const base::Micros fit = calls_ * (kStepMicros / 8) / since;
            calls_ = std::max(1U, static_cast<std::uint32_t>(fit));
        } else if (since < kStepMicros / 8) {
            calls_ = std::min(kCallsPerClockMax, calls_ * 2);
        }
        calls_left_.store(calls_, std::memory_order_relaxed);
    }

    const base::Clock& clock_;
    base::Micros started_ = 0;
    base::Micros looked_ = 0;
    std::uint32_t calls_ = 1;
    std::atomic<std::uint32_t> calls_left_{1};
};

}  // namespace storm::worker

// Decides when a step is over, without reading the clock at each call of user code.
//
// The number of calls between two readings adapts to how long they take: from 1 to
// kCallsPerClockMax.
//
// Threads: one; progress() and hurry() from any.
// Cost:    a decrement per call; 24 ns per reading.
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
    /// The time at the last reading.
    base::Micros now() const { return looked_; }
    /// To be called after each call of user code. Returns whether it read the clock.
    bool looks() {
        const std::uint32_t left = calls_left() - 1;
        calls_left_.store(left, std::memory_order_relaxed);
        if (left > 0) [[likely]]
            return false;
        look();
        return true;
    }
    /// Whether the step had taken long enough at the last reading.
    bool was_over() const { return looked_ - started_ >= kStepMicros; }
    /// To be called after each call of user code. Returns whether the step has taken long enough.
    bool over() { return looks() && was_over(); }
    /// Changes after each call, for observers that check now and then whether calls still end.
    std::uint32_t progress() const { return calls_left(); }
    /// Makes it read the clock after the present call: calls may have become slow since the last
    /// reading. Any thread. Without effect if that call ends at this very moment; so repeat it.
    void hurry() { calls_left_.store(1, std::memory_order_relaxed); }

private:
    // Relaxed, because no order matters to the other thread.
    std::uint32_t calls_left() const { return calls_left_.load(std::memory_order_relaxed); }

    void look() {
        const base::Micros now = clock_.now();
        const base::Micros since = now - looked_;
        looked_ = now;
        // Aims at a reading every eighth of a step.
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

// The rows inside a cycle of components: how many bytes of them travel between its members.
//
// Rows inside a cycle need no credit, or its members could wait for each other forever. They are
// counted instead. Above the high-water mark nothing enters the cycle from outside; above the
// limit a row is refused, and its trees fail.
//
// Threads: any. A row is added before it is handed over, and removed after its execute() has
//          returned, so zero means that the cycle is empty.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"

namespace storm::worker {

class Executor;

class Cycle {
public:
    explicit Cycle(std::int64_t limit) : limit_(limit), high_water_(limit / 2) {}

    /// False: it would exceed the limit, and nothing was added.
    [[nodiscard]] bool try_add(std::int64_t bytes) {
        // Never above the limit, not even for a moment: other threads check whether the cycle is
        // empty.
        std::int64_t before = bytes_.load(std::memory_order_relaxed);
        do {
            if (before + bytes > limit_) return false;
        } while (!bytes_.compare_exchange_weak(before, before + bytes, std::memory_order_acq_rel,
                                               std::memory_order_relaxed));
        return true;
    }
    /// For control records, which are never refused.
    void add(std::int64_t bytes) { bytes_.fetch_add(bytes, std::memory_order_acq_rel); }
    /// True if this crossed the high-water mark downwards, or reached zero: members that wait for
    /// that must be woken.
    [[nodiscard]] bool remove(std::int64_t bytes) {
        const std::int64_t before = bytes_.fetch_sub(bytes, std::memory_order_acq_rel);
        STORM_CHECK(before >= bytes, "a row is added before anybody can execute it");
        return before == bytes || (before > high_water_ && before - bytes <= high_water_);
    }
    bool above_high_water() const { return bytes_.load(std::memory_order_acquire) > high_water_; }
    bool empty() const { return bytes_.load(std::memory_order_acquire) == 0; }

    // The end of a cycle: all inputs from outside have ended and it is empty; each task finishes;
    // what they emitted meanwhile is executed; then EOS leaves the cycle.
    // Source tasks outside the cycle whose EOS some member still waits for.
    std::atomic<std::int64_t> open_inputs{0};
    std::atomic<std::int64_t> unfinished_tasks{0};
    // Before that: how its members learn that nothing new comes from outside.
    std::atomic<std::int64_t> tasks_not_ending{0};  // Tasks with sources outside.
    std::atomic<std::uint64_t> endings{0};          // How often all members were told.

    std::vector<Executor*> members;  // Constant once the engine runs.

private:
    const std::int64_t limit_;
    const std::int64_t high_water_;
    alignas(64) std::atomic<std::int64_t> bytes_{0};
};

}  // namespace storm::worker

// Limits the tracked tuples that a component's spout tasks have in flight: as many as keep the
// topology busy, and no more.
//
// Tuples in flight = completions per second × latency (Little's law). The latency steers the
// window: it grows while the latency is clearly below its target, and shrinks while it is above.
//
//     target = 2 × base latency + 6 ms + allowance,    at most base latency + T / 8
//
// The base latency is that of a tuple when nothing queues: the least mean of a round, or the
// latency of a single tuple in flight. Latency that is not queueing, as of a bolt that is slow now
// and then, shows when the window shrinks: then fewer tuples complete. The target allows for it,
// until that is forgotten, within bounds: otherwise a spout that shares a bolt with others would
// always gain.
//
// With little queueing the window doubles each round; with more, it grows by its root and shrinks
// in proportion to itself, so that spouts which share something approach equal shares.
//
// After Vegas (Brakmo and Peterson, 1995: latency above the least one is queueing) and BBR
// (Cardwell et al., 2016: what is in flight follows from what is delivered).
//
// Threads: a SpoutWindow is shared by the tasks of one component in one worker, any thread; a
//          TaskWindow belongs to its task.
// Cost:    completed() 1 ns; turn() a comparison, and an uncontended lock a few times per round.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/clock.h"

namespace storm::worker {

class SpoutWindow {
public:
    /// `timeout` of the tuples, 0: none. `most`: upper bound of each task's tuples in flight.
    SpoutWindow(base::Micros timeout, std::uint32_t most);

    /// The limit of each task.
    std::uint32_t limit() const {
        // Relaxed, because nothing else is published with it.
        return limit_.load(std::memory_order_relaxed);
    }

private:
    friend class TaskWindow;

    struct Counts {
        std::uint64_t completed = 0;
        std::uint64_t fresh = 0;  // Those that were emitted in the present round.
        std::uint64_t fresh_latency = 0;
        std::uint64_t fresh_age = 0;  // Latency including the time that they were kept.
        std::uint64_t back = 0;       // Completed after they had counted as kept.
        std::uint64_t back_latency = 0;
        std::uint64_t timed_out = 0;
        bool any_back = false;  // Some of these are in flight.
        bool limited = false;
        bool may_grow = false;
        bool first = false;  // First check of the task in this round.
    };
    struct Look {
        base::Micros round_begin = 0;
        base::Micros next = 0;
    };

    /// Adds a task's counts; ends the round if it is over.
    Look look(base::Micros now, const Counts& counts);
    void end_round(base::Micros now);
    bool round_is_over(base::Micros now) const;
    /// Mean age of the tuples that completed in this round.
    double mean_age() const;
    void learn(double latency, double rate, bool alone);
    void adapt(double latency, double rate);
    void shrink(double latency, double rate);
    double target() const;
    void set_window(double window);

    const double timeout_;
    const double most_;
    std::atomic<std::uint32_t> limit_{1};

    std::mutex mutex_;  // Guards the following.
    Counts round_;
    std::uint32_t limited_tasks_ = 0;  // In this round.
    std::uint32_t sharing_ = 1;        // In the last round.
    base::Micros round_begin_ = 0;
    double window_ = 1;     // For all tasks together.
    double base_ = 0;       // Microseconds, like all latencies here; 0: unknown.
    double allowance_ = 0;  // For latency that is not queueing.
    double age_ = 0;  // Age of tuples completed in the last round; the least length of a round.
    // Before the window shrank; 0: it did not shrink in the last round.
    double window_before_ = 0;
    double rate_before_ = 0;
    double latency_before_ = 0;
};

class TaskWindow {
public:
    explicit TaskWindow(SpoutWindow& shared) : shared_(shared) {}

    /// To be called before the others, in each step of the executor.
    void set_time(base::Micros now) { now_ = now; }
    /// `count` tuples that were emitted at `emitted` have left the topology. Includes failed ones.
    void completed(base::Micros emitted, std::uint64_t count) {
        counts_.completed += count;
        if (emitted < round_begin_) return;  // They were emitted under another window.
        const std::uint64_t latency = static_cast<std::uint64_t>(now_ - emitted) * count;
        counts_.fresh += count;
        counts_.fresh_latency += latency;
        counts_.fresh_age += latency;
    }
    /// A tuple reached the bolt that keeps it at `out`.
    void kept(base::Micros emitted, base::Micros out) {
        ++counts_.completed;
        if (emitted < round_begin_) return;
        ++counts_.fresh;
        counts_.fresh_latency += static_cast<std::uint64_t>(out - emitted);
        counts_.fresh_age += static_cast<std::uint64_t>(now_ - emitted);
    }
    /// A tuple that counted as kept, and then as in flight again, has completed. `emitted` is later
    /// by the time for which it was kept.
    void came_back(base::Micros emitted) {
        ++counts_.back;
        counts_.back_latency += static_cast<std::uint64_t>(now_ - emitted);
    }
    void set_any_back(bool any) { counts_.any_back = counts_.any_back || any; }
    void timed_out(std::uint64_t count) { counts_.timed_out += count; }
    /// It wanted to emit, but the window, credit or something else did not allow it. `may_grow`: a
    /// larger window might have.
    void limited(bool may_grow) {
        counts_.limited = true;
        counts_.may_grow = counts_.may_grow || may_grow;
    }
    /// To be called after all of these.
    void turn() {
        if (now_ >= next_look_) [[unlikely]]
            look();
    }
    std::uint32_t limit() const { return shared_.limit(); }

private:
    void look();

    SpoutWindow& shared_;
    SpoutWindow::Counts counts_;
    base::Micros now_ = 0;
    base::Micros round_begin_ = 0;
    base::Micros limited_in_ = -1;  // The start of that round.
    base::Micros next_look_ = 0;
};

}  // namespace storm::worker

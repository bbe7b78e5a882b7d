// How many tracked tuples of a component's spout tasks may be in flight: as many as keep the
// topology busy, and no more.
//
// What is in flight = completions per second × latency (Little's law). The window is steered by the
// latency: it grows while that is clearly below its target, shrinks when it is above it.
//
//     target = 2 × base latency + 6 ms + allowance,    at most base latency + T / 8
//
// The base latency is what a tuple takes when nothing queues: the least mean of a round, or what it
// is with a single tuple in flight. Latency that is not queueing, of a bolt that now and then takes
// long, say, shows when the window shrinks: then fewer tuples complete. The target allows for it
// until that is forgotten, within bounds, since who shares a bolt with others would always gain.
//
// With little queueing it doubles in each round; with more, it grows by its root and shrinks by a
// part of itself, so that those who share something come nearer to equal shares.
//
// After Vegas (Brakmo and Peterson, 1995: latency above the least one is queueing) and BBR
// (Cardwell et al., 2016: what is in flight follows from what is delivered).
//
// Threads: a SpoutWindow is shared by the tasks of one component in one worker, any thread; a
//          TaskWindow is its task's.
// Cost:    completed() 1 ns; turn() a comparison, and a lock without others some times a round.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/clock.h"

namespace storm::worker {

class SpoutWindow {
public:
    /// `timeout` of the tuples, 0 for none; `most` that each task may ever have in flight.
    SpoutWindow(base::Micros timeout, std::uint32_t most);

    /// For each task.
    std::uint32_t limit() const {
        // Alone: nothing else is published with it.
        return limit_.load(std::memory_order_relaxed);
    }

private:
    friend class TaskWindow;

    struct Counts {
        std::uint64_t completed = 0;
        std::uint64_t fresh = 0;  // Of these: emitted in the present round.
        std::uint64_t fresh_latency = 0;
        std::uint64_t fresh_age = 0;  // The same, but with the time they were kept.
        std::uint64_t back = 0;       // Completed after they had counted as kept.
        std::uint64_t back_latency = 0;
        std::uint64_t timed_out = 0;
        bool any_back = false;  // Such are in flight.
        bool limited = false;
        bool first = false;  // Time in this round that the task was.
    };
    struct Look {
        base::Micros round_begin = 0;
        base::Micros next = 0;
    };

    /// Takes over what a task has counted; ends the round if it is over.
    Look look(base::Micros now, const Counts& counts);
    void end_round(base::Micros now);
    bool round_is_over(base::Micros now) const;
    /// Of what ended in this round.
    double mean_age() const;
    void learn(double latency, double rate, bool alone);
    void adapt(double latency, double rate);
    void shrink(double latency, double rate);
    double target() const;
    void set_window(double window);

    const double timeout_;
    const double most_;
    std::atomic<std::uint32_t> limit_{1};

    std::mutex mutex_;  // Guards what follows.
    Counts round_;
    std::uint32_t limited_tasks_ = 0;  // In this round.
    std::uint32_t sharing_ = 1;        // In the last one.
    base::Micros round_begin_ = 0;
    double window_ = 1;     // Of all tasks.
    double base_ = 0;       // Microseconds, as all latencies here; 0: not known yet.
    double allowance_ = 0;  // For latency that is no queueing.
    double age_ = 0;        // Of what completed in the last round: how long a round has to be.
    // Before the window shrank; 0: it did not in the last round.
    double window_before_ = 0;
    double rate_before_ = 0;
    double latency_before_ = 0;
};

class TaskWindow {
public:
    explicit TaskWindow(SpoutWindow& shared) : shared_(shared) {}

    /// Before the others, in each step of the executor.
    void set_time(base::Micros now) { now_ = now; }
    /// So many tuples that were emitted at `emitted` have left the topology. Those that a bolt
    /// failed count, too.
    void completed(base::Micros emitted, std::uint64_t count) {
        counts_.completed += count;
        if (emitted < round_begin_) return;  // Under another window.
        const std::uint64_t latency = static_cast<std::uint64_t>(now_ - emitted) * count;
        counts_.fresh += count;
        counts_.fresh_latency += latency;
        counts_.fresh_age += latency;
    }
    /// A tuple came to the bolt that keeps it at `out`.
    void kept(base::Micros emitted, base::Micros out) {
        ++counts_.completed;
        if (emitted < round_begin_) return;
        ++counts_.fresh;
        counts_.fresh_latency += static_cast<std::uint64_t>(out - emitted);
        counts_.fresh_age += static_cast<std::uint64_t>(now_ - emitted);
    }
    /// One that counted as kept before, and then as in flight again, has completed. `emitted` is
    /// later by as long as it was kept.
    void came_back(base::Micros emitted) {
        ++counts_.back;
        counts_.back_latency += static_cast<std::uint64_t>(now_ - emitted);
    }
    void set_any_back(bool any) { counts_.any_back = counts_.any_back || any; }
    void timed_out(std::uint64_t count) { counts_.timed_out += count; }
    /// It wanted to emit, and the window or credit kept it from that.
    void limited() { counts_.limited = true; }
    /// After all that.
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
    base::Micros limited_in_ = -1;  // The beginning of the round.
    base::Micros next_look_ = 0;
};

}  // namespace storm::worker

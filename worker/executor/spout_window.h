// How many tracked tuples of one spout task may be in flight: as many as keep the topology busy,
// and no more.
//
// Little's law: what is in flight = completions per second × latency. The window asks for the
// latency that the topology has when nothing queues, and for a little queueing, so that nobody who
// works runs dry between two batches:
//
//     window = rate × (base latency + queueing)      queueing = 8 ms + 2 × base, at most T / 10
//
// It is adapted once a round, which ends when tuples that were emitted in it have completed. It
// grows at most to double, and shrinks at most to half, or to an eighth of what it was as long as
// that makes no latency shorter. The rate is the most of eight rounds, so that a pause of some
// thread does not close the window. A window below one is a pause after each tuple; that needs
// latencies above T / 12.
//
// The base latency is the least mean of a round, and all spout tasks of a component in one worker
// share it: who knew a greater one would keep the queue of the others standing. Every eight seconds
// or 128 base latencies, whichever is more, it is measured anew: the window is closed until what is
// queued is worked off, then an eighth of it is in flight for about a latency. Such probes begin at
// multiples of their interval on the clock, so that all who share a bolt make them together.
//
// After BBR (Cardwell et al., 2016: most recent rate × least latency, probes) and Vegas (Brakmo and
// Peterson, 1995: latency above the least one is queueing). Known limit: spouts in several workers
// that share a slow bolt know each other's queues only by the clock; if their clocks differ,
// queueing comes to tenths of a second, but stays below T / 8.
//
// Order:   set_time(), then completed(), timed_out() and limited() as they happen, then turn():
// from its
//          return on limit() and not_before() hold.
// Time:    none of its own.
// Threads: used only by the thread that runs the spout's executor.
// Cost:    completed() 1 ns; turn() a comparison, and 50 ns once a round. No allocation.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "base/random.h"

namespace storm::worker {

/// What a component's spout tasks in one worker know of the topology's latency when nothing queues.
/// They share it, so that none takes the others' queues for distance and keeps more in flight than
/// they.
///
/// Threads: any.
class BaseLatency {
public:
    /// `clock_offset` turns now() into the time of day, by which spouts of several hosts probe
    /// together.
    explicit BaseLatency(base::Micros clock_offset = 0) : clock_offset_(clock_offset) {}

    /// In microseconds; 0: not known yet.
    double get() const;
    void lower(double latency);
    /// The result of the probe that began at `probe`, which all share: the least one counts.
    void measured(base::Micros probe, double latency);
    base::Micros next_probe(base::Micros now) const;

private:
    const base::Micros clock_offset_;
    std::atomic<std::uint64_t> word_{0};  // Number of the last probe << 40 | microseconds.
};

class SpoutWindow {
public:
    /// `timeout` of the tuples, 0 for none; `most` that may ever be in flight, at least 1.
    /// `base` is that of its component, and outlives it.
    SpoutWindow(BaseLatency& base, base::Micros timeout, std::uint32_t most, base::Random random);

    void set_time(base::Micros now) { now_ = now; }

    /// So many tuples that were emitted at `emitted` have left the topology, or are now kept by a
    /// bolt. Those that a bolt failed count, too.
    void completed(base::Micros emitted, std::uint64_t count) {
        count_ += count;
        if (emitted < round_begin_) return;  // Under another window.
        fresh_ += count;
        latency_sum_ += static_cast<std::uint64_t>(now_ - emitted) * count;
    }
    void timed_out(std::uint64_t count) { timed_out_ += count; }

    /// The spout wanted to emit, and the window, the pause or credit kept it from it.
    void limited() { limited_ = true; }

    /// Once in each step of the executor, after what it completed.
    void turn() {
        if (now_ < next_look_) [[likely]]
            return;
        look();
    }

    /// So many may be in flight.
    std::uint32_t limit() const { return limit_; }
    /// The next tuple may be emitted from here on.
    base::Micros not_before() const { return not_before_; }

private:
    enum class Phase : std::uint8_t {
        kSteady,
        kDraining,   // A probe has begun: what is queued is worked off.
        kMeasuring,  // An eighth of the window is in flight.
    };
    struct Round {
        double latency;  // Mean; those that timed out count with the timeout.
        double rate;     // Per microsecond.
        bool limited;
    };

    void look();
    void close(const Round& round);
    void learn_rate(const Round& round);
    void adapt(const Round& round);
    void suspect(const Round& round);
    void begin_probe();
    void measure();
    void end_probe(const Round& round);
    void begin_round(double at_least);
    void set_window(double window);
    double rate_max() const;
    double target() const;

    BaseLatency& base_;
    const double timeout_;  // 0: none.
    const double most_;
    base::Random random_;
    base::Micros now_ = 0;

    // Of this round.
    base::Micros round_begin_ = 0;
    std::uint64_t count_ = 0;
    std::uint64_t fresh_ = 0;  // Emitted in this round, too.
    std::uint64_t latency_sum_ = 0;
    std::uint64_t timed_out_ = 0;
    bool limited_ = false;

    Phase phase_ = Phase::kSteady;
    double window_;
    double latency_ = 0;  // Of the last round.
    std::array<double, 8> rates_{};
    std::size_t next_rate_ = 0;
    bool growing_ = true;
    double suspect_window_ = 0;  // When latencies became too high; 0: they are not.
    double suspect_latency_ = 0;
    base::Micros probe_ = 0;  // When the one that is on began.
    base::Micros next_probe_ = 0;
    base::Micros next_look_ = 0;
    std::uint32_t limit_ = 1;
    base::Micros not_before_ = 0;
};

}  // namespace storm::worker

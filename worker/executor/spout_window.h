// How many tracked tuples of one spout task may be in flight: as many as keep the topology busy, and
// no more.
//
// Little's law: what is in flight = completions per second × latency. The window asks for the latency
// that the topology has when nothing queues, and a little queueing, so that nobody who works runs dry
// between two batches:
//
//     window = rate × (base latency + queueing)      queueing = max(6 ms, 3 × base), at most T / 8
//
// The rate is measured in rounds of about one latency, and the most of the last eight counts, so that
// a pause of some thread does not close the window. The base latency is the least mean of a round; now
// and then, and when latencies stay high though the window has closed, it is measured anew by a probe:
// the window is cut to an eighth for about one latency. Probes begin at multiples of ten seconds of the
// clock, so that spouts that share a bolt probe together and see it without each other's queues. A
// window below one is a pause after each tuple.
//
// After BBR (Cardwell et al., 2016: most recent rate × least latency, probes) and Vegas (Brakmo and
// Peterson, 1995: latency above the least one is queueing).
//
// Order:   completed(), timed_out() and limited() whenever they happen, then turn(); from its return
//          on limit() and not_before() hold.
// Time:    none of its own.
// Threads: used only by the thread that runs the spout's executor.
// Cost:    completed() 1 ns; turn() a comparison, and 50 ns once a round. No allocation.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"

namespace storm::worker {

class SpoutWindow {
public:
    /// `timeout` of the tuples, 0 for none; `most` that may ever be in flight, at least 1.
    SpoutWindow(base::Micros timeout, std::uint32_t most);

    /// So many tuples have left the topology, or are now kept by a bolt, `latency` after their emit.
    /// Those that a bolt failed count, too.
    void completed(base::Micros latency, std::uint64_t count) {
        count_ += count;
        latency_sum_ += static_cast<std::uint64_t>(latency) * count;
    }
    void timed_out(std::uint64_t count) { timed_out_ += count; }

    /// The spout wanted to emit, and the window, the pause or credit kept it from it.
    void limited() { limited_ = true; }

    /// Once in each step of the executor, after what it completed.
    void turn(base::Micros now) {
        if (now < round_end_) [[likely]]
            return;
        due(now);
    }

    /// So many may be in flight.
    std::uint32_t limit() const { return limit_; }
    /// The next tuple may be emitted from here on.
    base::Micros not_before() const { return not_before_; }

private:
    void due(base::Micros now);

    const base::Micros timeout_;
    const std::uint32_t most_;
    std::uint64_t count_ = 0;  // In this round.
    std::uint64_t latency_sum_ = 0;
    std::uint64_t timed_out_ = 0;
    bool limited_ = false;
    std::uint32_t limit_ = 1;
    base::Micros not_before_ = 0;
    base::Micros round_end_ = 0;
};

}  // namespace storm::worker

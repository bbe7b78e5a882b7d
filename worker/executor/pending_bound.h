// Limits how many tuples of a spout task may be pending while bolts keep some of them.
//
// Kept tuples do not count against the window (SpoutWindow), because a bolt may wait for more
// before it lets go of any. But it may let go of all at once, and then all of them queue before
// whatever comes next. So the number of pending tuples has a bound: what the topology can do soon.
//
//     pending <= max(window, min(window + held, bound))
//     bound    = the most of   what completes in T/8, and as many as are usually pending
//                              T/8 / the time that a tuple is in flight
//
// each as seen in the last eight eighths of T in which anything completed. Fast topologies have a
// large bound, which batches and windows do not notice; in slow ones, tuples beyond it would time
// out behind a bolt that lets go of what it has kept. The second line is for times in which the
// spout has little to emit.
//
// A bolt that waits for still more tuples would wait for ever. Then nothing happens, just as when a
// bolt pauses that lets go by itself. After T/8 of that, the bound is twice as large; after another
// T/8 four times, and so on.
//
// Before anything has completed nothing is known, and the bound grows with the square of the time.
// It stays there for T/8 after that: the first of many tasks to complete a batch shows how many
// tuples complete, but not how many are usually pending while the others complete theirs.
//
// When a bolt lets go of many tuples at once, the spout would emit nothing until they are done, and
// that bolt would then have nothing to do until it has enough again. So as many as are usually held
// (Little's law) count as held even when they are not.
//
// Threads: its task's.
// Cost:    settled() 2 ns; limit() 1 ns while nothing was held of late, else 5 ns.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/clock.h"

namespace storm::worker {

class PendingBound {
public:
    /// `timeout` of the tuples; 0: none, and no bound.
    explicit PendingBound(base::Micros timeout)
        : span_(timeout / static_cast<base::Micros>(kSpans)) {}

    /// `count` tuples that were in flight and held for so long.
    struct Settled {
        base::Micros flight = 0;
        base::Micros held = 0;
        std::uint64_t count = 1;
    };

    /// To be called before the others, in each step of the executor.
    void set_time(base::Micros now) { now_ = now; }
    /// A bolt has acked, failed, kept or let go of a tuple.
    void heard() { heard_ = now_; }
    void settled(const Settled& tuples) {
        if (now_ >= span_end_) [[unlikely]]
            next_span();
        Span& span = spans_[at_];
        span.count += tuples.count;
        span.in_flight += static_cast<std::uint64_t>(tuples.flight) * tuples.count;
        span.held += static_cast<std::uint64_t>(tuples.held) * tuples.count;
    }

    /// To be called after all of these: how many may be pending if `window` may be in flight, and
    /// `held` of the `pending` ones are not.
    std::uint32_t limit(std::uint32_t window, std::uint32_t pending, std::uint32_t held) {
        applies_ = false;
        if (held == 0 && usually_held_ == 0) [[likely]]
            return window;
        return bounded(window, pending, held);
    }
    /// Whether it is the bound that limits, so that a larger window would let in no more now. It
    /// must not grow then: no tuple comes back late, as long as bolts keep all.
    bool applies() const { return applies_; }
    /// When limit() is to be asked again even if nothing happens.
    base::Micros next_due() const { return applies_ ? due_ : kNever; }

private:
    static constexpr std::size_t kSpans = 8;
    static constexpr base::Micros kNever = std::numeric_limits<base::Micros>::max();

    /// An eighth of the timeout that begins when a tuple settles.
    struct Span {
        std::uint64_t count = 0;
        std::uint64_t in_flight = 0;  // Microseconds, of all of them together.
        std::uint64_t held = 0;       // The same.

        double flight() const {
            return static_cast<double>(in_flight) / static_cast<double>(count);
        }
    };

    void next_span();
    std::uint32_t bounded(std::uint32_t window, std::uint32_t pending, std::uint32_t held);
    double bound(std::uint32_t pending);
    double usual() const;

    const base::Micros span_;
    base::Micros now_ = 0;
    base::Micros heard_ = 0;
    std::array<Span, kSpans> spans_{};
    std::size_t at_ = 0;
    base::Micros span_end_ = 0;
    bool any_settled_ = false;
    // In the spans before the present one:
    std::uint64_t count_ = 0;  // The most.
    double flight_ = 0;        // The least mean.
    double usually_held_ = 0;  // The mean, as the next.
    double usually_pending_ = 0;
    base::Micros first_held_ = 0;  // When; 0: not yet.
    double first_ = 0;             // The bound when the first settled,
    base::Micros first_ends_ = 0;  // and the end of the span in which it did.
    double raised_ = 0;            // The bound while nothing happens.
    base::Micros raised_at_ = 0;
    bool applies_ = false;
    base::Micros due_ = 0;
};

}  // namespace storm::worker

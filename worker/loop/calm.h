// Decides when an executor that once held its loop has been quick for long enough to go back to
// it.
//
// A thread that waits for a processor is not slow. So of a call that took long, only the time that
// it computed or slept counts.
//
// Threads: the loop's.
// Cost:    one look per millisecond at what the thread has used.
#pragma once

#include <utility>

#include "base/clock.h"
#include "base/thread_activity.h"
#include "worker/queue/limits.h"
#include "worker/queue/timer_heap.h"

namespace storm::worker {

class Calm {
public:
    void start(base::Micros now) {
        since_ = now;
        stepped_at_ = kNever;
        use_at_ = 0;
    }
    /// To be called before each step.
    void begin_step(base::Micros now) {
        stepped_at_ = now;
        // Often enough to tell what a slow call has used, and rare enough to cost nothing.
        if (use_at_ != 0 && now - use_at_ < base::kMicrosPerMilli) return;
        use_ = base::own_use();
        use_at_ = now;
    }
    /// The thread has slept, so its earlier use says nothing about the next call.
    void slept() { use_at_ = 0; }
    /// Whether there was a step since the last judge().
    bool has_step() const { return stepped_at_ != kNever; }
    /// To be called after a step. False: the step was slow, and the calm starts anew. REQUIRES:
    /// has_step().
    bool judge(base::Micros now) {
        if (now - std::exchange(stepped_at_, kNever) < kSlowCallMicros) return true;
        const base::ThreadUse use = base::own_use();
        if (use.waits == use_.waits && use.cpu - use_.cpu < kSlowCallMicros) return true;
        since_ = now;
        return false;
    }
    /// How long the executor has been quick.
    base::Micros lasts(base::Micros now) const { return now - since_; }

private:
    base::Micros stepped_at_ = kNever;  // Start of the last step, unless it is judged.
    base::Micros since_ = 0;
    base::ThreadUse use_;  // Use of the thread at `use_at_`, shortly before a step.
    base::Micros use_at_ = 0;
};

}  // namespace storm::worker

// Whether an executor that once held its loop has been quick since, for so long that it may go
// back.
//
// A thread that merely waits for a processor is not slow: of a call that took long, only what it
// has computed or slept counts.
//
// Threads: the loop's. Cost: a look at what the thread has used once in a millisecond.
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
    /// Before each step.
    void begin_step(base::Micros now) {
        stepped_at_ = now;
        // Often enough to tell what a slow call has used, and seldom enough to cost nothing.
        if (use_at_ != 0 && now - use_at_ < base::kMicrosPerMilli) return;
        use_ = base::own_use();
        use_at_ = now;
    }
    /// The thread has slept: what it had used before tells nothing.
    void slept() { use_at_ = 0; }
    /// There was a step since the last judge().
    bool has_step() const { return stepped_at_ != kNever; }
    /// After a step. False: it was slow, and all begins anew. REQUIRES: has_step().
    bool judge(base::Micros now) {
        if (now - std::exchange(stepped_at_, kNever) < kSlowCallMicros) return true;
        const base::ThreadUse use = base::own_use();
        if (use.waits == use_.waits && use.cpu - use_.cpu < kSlowCallMicros) return true;
        since_ = now;
        return false;
    }
    /// For how long it has been quick.
    base::Micros lasts(base::Micros now) const { return now - since_; }

private:
    base::Micros stepped_at_ = kNever;  // When the last step began, if not judged yet.
    base::Micros since_ = 0;
    base::ThreadUse use_;  // By its thread, at `use_at_`, a moment before a step.
    base::Micros use_at_ = 0;
};

}  // namespace storm::worker

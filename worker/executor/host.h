// Who runs an executor, as the executor sees it: its loop (loop/loop.h).
//
// Threads: push, notify and resume from any; the rest from the executor's, in the middle of a step.
// Cost:    nothing here is called for each tuple.
#pragma once

#include "worker/queue/entrance.h"

namespace storm::worker {

class Executor;

class Host : public Entrance {
public:
    /// Lets it be run. REQUIRES: its entry says that it is not in the list yet.
    virtual void resume(Executor& executor) = 0;

    /// Takes the loop away from itself: the executor goes on in an annex, where it may wait, and
    /// another thread runs this loop. False: it stays, since there is no thread, or all stops.
    /// REQUIRES: `executor` is in a step that began on this loop, which is shared.
    virtual bool detach(Executor& executor) = 0;
    /// For a dedicated executor: hands over what is closed, and all acks.
    virtual void hand_over(Executor& executor) = 0;
    /// The same: sleeps until there is credit for all that it may emit, or all stops.
    virtual void wait_for_credit(Executor& executor) = 0;

protected:
    ~Host() = default;
};

}  // namespace storm::worker

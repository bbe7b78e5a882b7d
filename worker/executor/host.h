// The executor's view of what runs it: its loop (loop/loop.h).
//
// Threads: push, notify and resume from any; the rest from the executor's, in the middle of a
//          step.
// Cost:    nothing here is called per tuple.
#pragma once

#include "worker/queue/entrance.h"

namespace storm::worker {

class Executor;

class Host : public Entrance {
public:
    /// Makes the executor run. REQUIRES: its entry says that it is not in the list yet.
    virtual void resume(Executor& executor) = 0;

    /// Takes the loop away from itself: the executor goes on in an annex, where it may wait, and
    /// another thread runs this loop. False: it stays, because there is no thread, or everything
    /// stops. REQUIRES: `executor` is in a step that began on this loop, which is shared.
    virtual bool detach(Executor& executor) = 0;
    /// For a dedicated executor: hands over closed batches and all acks.
    virtual void hand_over(Executor& executor) = 0;
    /// For a dedicated executor: sleeps until there is credit for all it may emit, or everything
    /// stops.
    virtual void wait_for_credit(Executor& executor) = 0;

protected:
    ~Host() = default;
};

}  // namespace storm::worker

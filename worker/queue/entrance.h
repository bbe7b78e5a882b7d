// Where batches and control records for one destination are pushed: another loop of this process,
// or another worker.
//
// Threads: push from any; the destination's thread takes, and notify() wakes it.
#pragma once

#include <cstdint>

#include "worker/queue/batch.h"
#include "worker/queue/control_inbox.h"
#include "worker/queue/inbox.h"

namespace storm::worker {

class Entrance {
public:
    Entrance() = default;
    Entrance(const Entrance&) = delete;
    Entrance& operator=(const Entrance&) = delete;

    Inbox<Batch> batches;
    ControlInbox control;
    /// To be called after a push.
    virtual void notify() = 0;

protected:
    ~Entrance() = default;
};

}  // namespace storm::worker

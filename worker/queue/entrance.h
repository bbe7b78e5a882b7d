// Where batches and control records for one destination are pushed: another loop of this process,
// or another worker.
//
// Threads: push from any; the destination's thread takes, and notify() wakes it.
#pragma once

#include <cstdint>

#include "worker/acker/ack_lane.h"
#include "worker/queue/batch.h"
#include "worker/queue/inbox.h"

namespace storm::worker {

class Entrance {
public:
    Entrance() = default;
    Entrance(const Entrance&) = delete;
    Entrance& operator=(const Entrance&) = delete;

    Inbox<Batch> batches;
    Inbox<ControlBatch> control;
    /// To be called after a push.
    virtual void notify() = 0;

protected:
    ~Entrance() = default;
};

}  // namespace storm::worker

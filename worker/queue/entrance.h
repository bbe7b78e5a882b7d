// Where batches and control records leave for one destination: another loop of this process, or
// another worker.
//
// Threads: push from any; taken by the destination's thread, which notify() wakes.
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
    /// After a push.
    virtual void notify() = 0;

protected:
    ~Entrance() = default;
};

}  // namespace storm::worker

// Recycles the control batches of all loops and links.
//
// Threads: any.
// Cost:    about 50 ns.
#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include "worker/acker/ack_lane.h"
#include "worker/queue/limits.h"

namespace storm::worker {

class ControlPool {
public:
    ControlPool() = default;
    ControlPool(const ControlPool&) = delete;
    ControlPool& operator=(const ControlPool&) = delete;
    ~ControlPool() {
        ControlBatch* control = nullptr;
        while (free_.try_dequeue(control)) delete control;
    }

    /// An empty batch; the caller owns it until give().
    ControlBatch* take() {
        ControlBatch* control = nullptr;
        return free_.try_dequeue(control) ? control : new ControlBatch;  // NOLINT
    }
    void give(ControlBatch* control) {
        // One that holds what has piled up for long would keep all that memory.
        if (control->acks.capacity() + control->fails.capacity() > kAckMergeMin) [[unlikely]] {
            delete control;
            return;
        }
        free_.enqueue(control);
    }

private:
    moodycamel::ConcurrentQueue<ControlBatch*> free_;
};

}  // namespace storm::worker

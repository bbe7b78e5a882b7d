// Holds the output for one other worker until its link takes it.
//
// Threads: as in Entrance; attach() before the engine starts.
#pragma once

#include <atomic>
#include <functional>
#include <utility>

#include "worker/queue/entrance.h"

namespace storm::worker {

class PeerOutbox final : public Entrance {
public:
    /// `wake` makes the link's thread call begin_taking() and look into the inboxes. Called by any
    /// thread.
    void attach(std::function<void()> wake) { wake_ = std::move(wake); }

    void notify() override {
        if (woken_.exchange(true, std::memory_order_acq_rel)) return;
        if (wake_) wake_();
    }
    /// Pushes after this call wake again.
    void begin_taking() { woken_.exchange(false, std::memory_order_acq_rel); }

private:
    std::atomic<bool> woken_{false};
    std::function<void()> wake_;
};

}  // namespace storm::worker

// A queue of control batches into a loop or a link, which merges by root what waits in it for long.
//
// A spout that stays in one call takes nothing meanwhile, and bolts may tell it of the same roots
// again and again: a reset with each tick. So when much is waiting, a pusher merges it, and then
// each time that it has doubled. What waits is bounded by the pending roots, however long it waits.
//
// Batches of one thread come out in the order of its pushes, or as parts of one batch: whoever
// takes from the queue holds `taking_`, and what was merged comes out first.
//
// Threads: push from any; take_all by one.
// Cost:    50 ns to push, and to take a batch; nothing to look at an empty inbox. To merge, some ms
//          of a pusher's time.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "worker/acker/ack_lane.h"
#include "worker/queue/inbox.h"
#include "worker/queue/limits.h"

namespace storm::worker {

class ControlInbox {
public:
    void push(ControlBatch* batch) {
        const std::size_t weight = weight_of(*batch);
        const std::size_t waiting = waiting_.fetch_add(weight, std::memory_order_relaxed) + weight;
        queue_.push(batch);
        if (waiting >= merge_at_.load(std::memory_order_relaxed)) [[unlikely]]
            merge();
    }
    bool empty() const { return queue_.empty() && !has_merged_.load(std::memory_order_acquire); }
    /// Calls use(batch) for each batch that was there when it was called; the batch is then owned
    /// by `use`.
    template <typename Use>
    void take_all(Use&& use) {
        if (empty()) return;
        take();
        for (ControlBatch* const batch : taken_) use(batch);
        taken_.clear();
    }

private:
    /// In records of an ack's size. A batch alone takes about as much as 16.
    static std::size_t weight_of(const ControlBatch& batch) {
        return 16 + batch.acks.size() + batch.fails.size() + batch.resumed.size();
    }
    void take();
    void merge();

    Inbox<ControlBatch> queue_;
    std::atomic<std::size_t> waiting_{0};  // Weight of all that was pushed and not taken.
    std::atomic<std::size_t> merge_at_{kAckMergeMin};
    // True while something is, or may soon be, in merged_.
    std::atomic<bool> has_merged_{false};
    std::vector<ControlBatch*> taken_;  // The taker's.

    std::mutex taking_;  // Guards the way out of queue_, and merged_.
    std::unique_ptr<ControlBatch> merged_;
};

}  // namespace storm::worker

#include "worker/queue/control_inbox.h"

#include <algorithm>

namespace storm::worker {
namespace {

template <typename T>
void append(std::vector<T>& all, const std::vector<T>& more) {
    all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

// The taker alone waits for the lock: some ms, if a pusher merges just now. A pusher that does not
// get it goes on, since somebody takes or merges what it has pushed.
void ControlInbox::take() {
    // Merged records are older than all that is in the queue, so they come out first.
    const std::lock_guard lock(taking_);
    if (merged_ != nullptr) taken_.push_back(merged_.release());
    has_merged_.store(false, std::memory_order_relaxed);
    merge_at_.store(kAckMergeMin, std::memory_order_relaxed);
    queue_.take_all([this](ControlBatch* batch) { taken_.push_back(batch); });
    std::size_t weight = 0;
    for (const ControlBatch* const batch : taken_) weight += weight_of(*batch);
    waiting_.fetch_sub(weight, std::memory_order_relaxed);
}

// Runs inside a push, and so before that pusher's notify(): a taker that looks while the records
// are on their way from queue_ to merged_, and sees neither, is woken again.
void ControlInbox::merge() {
    const std::unique_lock lock(taking_, std::try_to_lock);
    // Somebody takes or merges it at this moment.
    if (!lock.owns_lock()) return;
    if (waiting_.load(std::memory_order_relaxed) < merge_at_.load(std::memory_order_relaxed))
        return;
    // First, so that it never looks empty.
    has_merged_.store(true, std::memory_order_release);
    std::size_t before = 0;
    if (merged_ == nullptr) {
        merged_ = std::make_unique<ControlBatch>();
    } else {
        before = weight_of(*merged_);
    }
    ControlBatch& all = *merged_;
    queue_.take_all([&](ControlBatch* taken) {
        const std::unique_ptr<ControlBatch> batch(taken);
        before += weight_of(*batch);
        append(all.acks, batch->acks);
        append(all.fails, batch->fails);
        append(all.released, batch->released);
        append(all.credits, batch->credits);
        // In the order of the queue, as must stay for peer events: a loss comes before the next
        // start.
        append(all.peer_events, batch->peer_events);
        append(all.resumed, batch->resumed);
    });
    merge_by_root(all.acks);
    merge_by_root(all.fails);
    std::sort(all.resumed.begin(), all.resumed.end());
    all.resumed.erase(std::unique(all.resumed.begin(), all.resumed.end()), all.resumed.end());
    const std::size_t after = weight_of(all);
    // The difference may be negative: merged_ is new, and nothing was visible in the queue yet.
    // Unsigned arithmetic then adds the weight of the empty batch.
    waiting_.fetch_sub(before - after, std::memory_order_relaxed);
    merge_at_.store(std::max(kAckMergeMin, 2 * after), std::memory_order_relaxed);
}

}  // namespace storm::worker

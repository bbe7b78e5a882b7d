#include "worker/queue/batch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <new>

#include "base/check.h"

namespace storm::worker {

Batch* make_batch(std::size_t bytes) {
    STORM_CHECK(bytes <= std::numeric_limits<std::uint32_t>::max(),
                "a row is checked against topology.max.tuple.bytes before it gets a batch");
    // The slack lies behind `capacity`, and no limit counts it: rows are copied in whole blocks
    // (copy_row() in executor/task.h), up to 63 bytes beyond their end.
    void* const block =
        ::operator new (sizeof(Batch) + bytes + kCopySlack, std::align_val_t{alignof(Batch)});
    auto* const batch = new (block) Batch;
    batch->capacity = static_cast<std::uint32_t>(bytes);
    return batch;
}

void free_batch(Batch* batch) {
    ::operator delete (batch, std::align_val_t{alignof(Batch)});
}

CommonPool::~CommonPool() {
    Batch* batch = nullptr;
    while (free_.try_dequeue(batch)) free_batch(batch);
}

// `count_` only bounds the pool, so it is relaxed. It is raised before batches can be dequeued and
// lowered after they were, here and in BatchPool, so it never falls below their number, and cannot
// wrap.
Batch* CommonPool::take(std::size_t bytes) {
    Batch* batch = nullptr;
    if (bytes > kBatchBytes) return make_batch(bytes);
    if (count_.load(std::memory_order_relaxed) == 0 || !free_.try_dequeue(batch))
        return make_batch(kBatchBytes);
    count_.fetch_sub(1, std::memory_order_relaxed);
    return batch;
}

void CommonPool::give(Batch* batch) {
    if (batch->capacity != kBatchBytes ||
        count_.load(std::memory_order_relaxed) >= kCommonPoolBatches) {
        free_batch(batch);
        return;
    }
    batch->used = 0;
    batch->open_runs = 0;
    batch->born = 0;
    count_.fetch_add(1, std::memory_order_relaxed);
    free_.enqueue(batch);
}

BatchPool::~BatchPool() {
    for (Batch* const batch : free_) free_batch(batch);
}

Batch* BatchPool::take_elsewhere(std::size_t bytes) {
    if (bytes > kBatchBytes) return make_batch(bytes);
    if (common_.count_.load(std::memory_order_relaxed) > 0) {
        std::array<Batch*, kPoolBatches / 2> taken{};
        const std::size_t n = common_.free_.try_dequeue_bulk(taken.begin(), taken.size());
        common_.count_.fetch_sub(n, std::memory_order_relaxed);
        free_.insert(free_.end(), taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(n));
    }
    if (free_.empty()) return make_batch(kBatchBytes);
    Batch* const batch = free_.back();
    free_.pop_back();
    return batch;
}

// bytes_in_flight counts the used bytes of a batch. A small one gets a block of its size, or what
// waits in front of a slow bolt could take eight times the memory that topology.worker.buffer.bytes
// allows, and more.
Batch* BatchPool::copy(Batch& batch) {
    Batch* const made = batch.used <= kSmallBatchBytes ? make_batch(batch.used) : take(batch.used);
    STORM_CHECK(batch.used <= made->capacity, "a copy has room for all runs");
    std::memcpy(made->bytes(), batch.bytes(), batch.used);
    made->used = batch.used;
    made->born = batch.born;
    return made;
}

// Everything but `returning` is reset: only the marker of an executor on its way home has that, and
// a marker has no room for rows, so it never comes into a pool.
void BatchPool::give(Batch* batch) {
    if (batch->capacity != kBatchBytes) {
        free_batch(batch);
        return;
    }
    batch->used = 0;
    batch->open_runs = 0;
    batch->born = 0;
    if (free_.size() >= kPoolBatches) {
        const auto half = static_cast<std::ptrdiff_t>(kPoolBatches / 2);
        if (common_.count_.load(std::memory_order_relaxed) < kCommonPoolBatches) {
            // The oldest ones, because the newest are still in cache.
            common_.count_.fetch_add(kPoolBatches / 2, std::memory_order_relaxed);
            common_.free_.enqueue_bulk(free_.begin(), kPoolBatches / 2);
        } else {
            std::for_each(free_.begin(), free_.begin() + half, free_batch);
        }
        free_.erase(free_.begin(), free_.begin() + half);
    }
    free_.push_back(batch);
}

}  // namespace storm::worker

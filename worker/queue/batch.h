// A batch: runs of rows on their way from one executor to the executors of one loop.
//
//     run    { u32 source task, u32 target task, u32 rows, u32 bytes } rows      (wire/batch.h)
//     batch  runs, one after the other
//
// Threads: built by the executor that emits, then moved to the loop that consumes it. `open_runs`
// belongs to that loop:
//          whoever takes it to zero gives the batch back to the pool.
// Cost:    a pooled batch comes from and goes to a loop-local stack: 1 ns. Batches that pile up on
// one side cross to the
//          other through the common pool, 16 at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <concurrentqueue/concurrentqueue.h>

#include "base/clock.h"
#include "worker/queue/limits.h"

namespace storm::worker {

class Executor;

struct alignas(64) Batch {
    std::uint32_t used = 0;      // Bytes of runs.
    std::uint32_t capacity = 0;  // Bytes that there is room for; kBatchBytes in pooled ones.
    std::uint32_t open_runs = 0;
    /// When the youngest row in it came, or what it comes of; 0: not known yet. Whatever is older
    /// than a timeout has timed out.
    base::Micros born = 0;
    Executor* returning = nullptr;  // Who comes home behind what it has sent; then it is empty.

    std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
};

/// A batch with room for exactly `bytes`, which goes back to the system when it is given back.
Batch* make_batch(std::size_t bytes);
void free_batch(Batch* batch);

/// Where free batches of all loops meet, and how many bytes are on their way in all.
class CommonPool {
public:
    CommonPool() = default;
    CommonPool(const CommonPool&) = delete;
    CommonPool& operator=(const CommonPool&) = delete;
    ~CommonPool();

    /// An empty batch with room for at least `bytes`. Threads: any. About 50 ns.
    Batch* take(std::size_t bytes);
    /// Threads: any. About 50 ns.
    void give(Batch* batch);

    std::atomic<std::int64_t> bytes_in_flight{0};

private:
    friend class BatchPool;
    moodycamel::ConcurrentQueue<Batch*> free_;
    std::atomic<std::size_t> count_{0};
};

/// The free batches of one loop. Threads: the loop's.
class BatchPool {
public:
    explicit BatchPool(CommonPool& common) : common_(common) {}
    BatchPool(const BatchPool&) = delete;
    BatchPool& operator=(const BatchPool&) = delete;
    ~BatchPool();

    /// An empty batch with room for at least `bytes`.
    Batch* take(std::size_t bytes = kBatchBytes) {
        if (bytes > kBatchBytes || free_.empty()) [[unlikely]]
            return take_elsewhere(bytes);
        Batch* const batch = free_.back();
        free_.pop_back();
        return batch;
    }
    /// A batch just large enough for the runs of `batch`, with a copy of them.
    Batch* copy(Batch& batch);
    void give(Batch* batch);

private:
    Batch* take_elsewhere(std::size_t bytes);

    CommonPool& common_;
    std::vector<Batch*> free_;
};

}  // namespace storm::worker

// A batch: runs of rows on their way from one executor to the executors of one loop.
//
//     run    { u32 source task, u32 target task, u32 rows, u32 bytes } rows      (wire/batch.h)
//     batch  runs, one after the other
//
// Threads: built by the executor that emits, then moved to the loop that consumes it. `open_runs`
//          belongs to that loop: the step that takes it to zero gives the batch back to the pool.
// Cost:    a pooled batch comes from and goes to a loop-local stack: 1 ns. Batches that pile up on
//          one side cross to the other through the common pool, 16 at a time.
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
    std::uint32_t capacity = 0;  // Room in bytes; kBatchBytes in pooled batches.
    std::uint32_t open_runs = 0;
    /// Time at which the youngest row, or the spout tuple that it descends from, came in; 0: not
    /// known yet. A batch older than a timeout holds only rows that have timed out.
    base::Micros born = 0;
    // The executor that comes home behind what it has sent; the batch is empty then.
    Executor* returning = nullptr;

    std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
};

/// A batch with room for exactly `bytes`. It is freed when it is given back.
Batch* make_batch(std::size_t bytes);
void free_batch(Batch* batch);

/// The free batches that loops exchange, and the number of bytes in flight.
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
    /// A copy of `batch` in a block of about its size.
    Batch* copy(Batch& batch);
    void give(Batch* batch);

private:
    Batch* take_elsewhere(std::size_t bytes);

    CommonPool& common_;
    std::vector<Batch*> free_;
};

}  // namespace storm::worker

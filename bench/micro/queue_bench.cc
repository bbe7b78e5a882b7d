// The path between two executors: credit, and the batches that rows travel in.
#include <array>
#include <cstddef>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "worker/queue/batch.h"
#include "worker/queue/credit.h"

namespace storm::worker {
namespace {

constexpr std::uint64_t kWindow = 256 * 1024;
constexpr std::uint64_t kRowBytes = 56;

/// One row: sent, then consumed in the same thread.
void BM_Credit(benchmark::State& state) {
    CreditReceiver receiver(kWindow);
    CreditSender sender(&receiver);
    for (auto _ : state) {
        benchmark::DoNotOptimize(sender.send(kRowBytes));
        benchmark::DoNotOptimize(receiver.consume(kRowBytes));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Credit);

/// So many batches are in use at a time; beyond kPoolBatches the common pool helps.
void BM_BatchPool(benchmark::State& state) {
    CommonPool common;
    BatchPool pool(common);
    std::array<Batch*, 64> taken{};
    const auto count = static_cast<std::size_t>(state.range(0));
    for (auto _ : state) {
        for (std::size_t i = 0; i < count; ++i) taken[i] = pool.take();
        benchmark::ClobberMemory();
        for (std::size_t i = 0; i < count; ++i) pool.give(taken[i]);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_BatchPool)->Arg(1)->Arg(8)->Arg(64);

/// A batch of so many bytes, copied for another loop.
void BM_BatchCopy(benchmark::State& state) {
    CommonPool common;
    BatchPool pool(common);
    Batch* const batch = pool.take();
    batch->used = static_cast<std::uint32_t>(state.range(0));
    for (auto _ : state) {
        Batch* const copy = pool.copy(*batch);
        benchmark::DoNotOptimize(copy->bytes());
        pool.give(copy);
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
    pool.give(batch);
}
BENCHMARK(BM_BatchCopy)->Arg(256)->Arg(4096)->Arg(kBatchBytes);

}  // namespace
}  // namespace storm::worker

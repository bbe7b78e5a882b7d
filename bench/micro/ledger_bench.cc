// The ack ledger: what each tracked tuple costs its spout.
#include <cstdint>
#include <optional>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/random.h"
#include "worker/acker/ack_lane.h"
#include "worker/acker/ack_ledger.h"

namespace storm::worker {
namespace {

constexpr std::uint32_t kCapacity = kLedgerCapacity;
constexpr base::Micros kTimeout = 30 * base::kMicrosPerSecond;

/// A tree of one tuple, with so many others pending.
void BM_OpenArmAck(benchmark::State& state) {
    AckLedger ledger(1, Life{1}, kCapacity, kTimeout, base::Random(1));
    ledger.set_time(0);
    base::Random random(2);
    struct Open {
        Root root;
        EdgeXor edge;
    };
    std::vector<Open> pending(static_cast<std::size_t>(state.range(0)));
    MessageId message = 0;
    const auto emit = [&] {
        const Open open{ledger.open(message++), random.next()};
        benchmark::DoNotOptimize(ledger.arm(open.root, open.edge));
        return open;
    };
    for (Open& open : pending) open = emit();
    std::size_t i = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(ledger.ack(pending[i].root, pending[i].edge));
        pending[i] = emit();
        if (++i == pending.size()) i = 0;
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_OpenArmAck)->Arg(1)->Arg(1 << 10)->Arg(1 << 16)->Arg(1 << 20);

/// Acks of trees with ten tuples each, as they gather on their way to the spout.
void BM_AckLane(benchmark::State& state) {
    const std::vector<std::uint32_t> loop_of_task(2, 0);
    AckLane lane(loop_of_task, 1);
    base::Random random(3);
    std::uint64_t acked = 0;
    for (auto _ : state) {
        const Root root = (Root{1} << kRootTaskShift) | (acked / 10 & 0xFFFF);
        lane.ack(root, random.next());
        if (++acked % 10'240 == 0) lane.by_destination()[0].acks.clear();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_AckLane);

}  // namespace
}  // namespace storm::worker

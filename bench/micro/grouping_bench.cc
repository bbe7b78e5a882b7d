// Groupings: choosing the target of a row among N.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/random.h"
#include "groupings/fields.h"
#include "groupings/local_or_shuffle.h"
#include "groupings/none.h"
#include "groupings/partial_key.h"
#include "groupings/shuffle.h"

namespace storm::groupings {
namespace {

std::size_t targets_of(const benchmark::State& state) {
    return static_cast<std::size_t>(state.range(0));
}

constexpr auto kHasCredit = [](std::size_t) { return Credit::kSome; };

void BM_Shuffle(benchmark::State& state) {
    Shuffle shuffle(targets_of(state), 1);
    for (auto _ : state) benchmark::DoNotOptimize(shuffle.choose(kHasCredit));
}
BENCHMARK(BM_Shuffle)->Arg(2)->Arg(100);

void BM_LocalOrShuffle(benchmark::State& state) {
    std::vector<Distance> distances = {Distance::kSameLoop};
    distances.resize(targets_of(state), Distance::kSameWorker);
    LocalOrShuffle near(distances, 1);
    for (auto _ : state) benchmark::DoNotOptimize(near.choose(kHasCredit));
}
BENCHMARK(BM_LocalOrShuffle)->Arg(2)->Arg(100);

void BM_Fields(benchmark::State& state) {
    const Fields fields(targets_of(state));
    base::Random random(1);
    for (auto _ : state) benchmark::DoNotOptimize(fields.choose(random.next()));
}
BENCHMARK(BM_Fields)->Arg(2)->Arg(100);

void BM_PartialKey(benchmark::State& state) {
    PartialKey keys(targets_of(state));
    base::Random random(1);
    for (auto _ : state) benchmark::DoNotOptimize(keys.choose(random.next(), kHasCredit));
}
BENCHMARK(BM_PartialKey)->Arg(2)->Arg(100);

void BM_None(benchmark::State& state) {
    const None none(targets_of(state));
    base::Random random(1);
    for (auto _ : state)
        benchmark::DoNotOptimize(none.choose([&] { return random.next(); }, kHasCredit));
}
BENCHMARK(BM_None)->Arg(100);

}  // namespace
}  // namespace storm::groupings

// Counters of a task. One writer, the task's executor; any thread may read.
//
// Cost:    0.3 ns per count. Plain words, which are added up only when somebody asks.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <storm/context.h>

#include "base/clock.h"

namespace storm::worker {

/// Durations in buckets of a quarter of a power of two: an error of at most 12 %.
class LatencyHistogram {
public:
    static constexpr std::size_t kBuckets = 4 * 40;

    void record(base::Micros micros, std::uint64_t count = 1) {
        buckets_[bucket(micros)].add(count);
    }

    /// Adds the counts to `sum`, to gather several histograms.
    void add_to(std::array<std::uint64_t, kBuckets>& sum) const {
        for (std::size_t i = 0; i < kBuckets; ++i) sum[i] += buckets_[i].value();
    }

    static std::size_t bucket(base::Micros micros) {
        const auto value = static_cast<std::uint64_t>(micros < 0 ? 0 : micros);
        if (value < 4) return value;
        const auto power = static_cast<std::size_t>(std::bit_width(value)) - 1;  // >= 2
        const std::size_t i = 4 * (power - 1) + ((value >> (power - 2)) & 3);
        return i < kBuckets ? i : kBuckets - 1;
    }
    /// The least duration above the bucket.
    static base::Micros upper_bound(std::size_t bucket) {
        if (bucket < 4) return static_cast<base::Micros>(bucket) + 1;
        const std::size_t power = bucket / 4 + 1;
        return static_cast<base::Micros>((4 + bucket % 4 + 1) << (power - 2));
    }

private:
    std::array<Counter, kBuckets> buckets_;
};

/// The duration below which a share `q` (0 … 1) of the counted ones lie; 0 if none was counted.
base::Micros quantile(const std::array<std::uint64_t, LatencyHistogram::kBuckets>& counts,
                      double q);

}  // namespace storm::worker

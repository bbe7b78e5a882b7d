// Latencies in nanoseconds, to within 3 %: 32 buckets for each power of two, exact below 64 ns.
//
// Threads: one writer; read from any thread, also while it is written.
// Cost:    1 ns to record; 9 KiB.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <storm/context.h>

namespace storm::bench {

using Nanos = std::int64_t;

class Histogram {
public:
    static constexpr std::size_t kBuckets = 1152;  // Up to 2^40 ns, 18 minutes.
    using Counts = std::array<std::uint64_t, kBuckets>;

    void record(Nanos nanos) { buckets_[bucket(nanos)].add(); }

    void add_to(Counts& sum) const {
        for (std::size_t i = 0; i < kBuckets; ++i) sum[i] += buckets_[i].value();
    }

    static std::size_t bucket(Nanos nanos) {
        const auto value = static_cast<std::uint64_t>(nanos < 0 ? 0 : nanos);
        if (value < 2 * kPerPower) return value;
        const auto power = static_cast<unsigned>(std::bit_width(value)) - 1;
        const unsigned shift = power - kPerPowerBits;
        const std::size_t i = shift * kPerPower + (value >> shift);
        return i < kBuckets ? i : kBuckets - 1;
    }
    /// The greatest value that falls into the bucket.
    static Nanos upper_bound(std::size_t bucket) {
        if (bucket < 2 * kPerPower) return static_cast<Nanos>(bucket);
        const std::size_t shift = bucket / kPerPower - 1;
        return static_cast<Nanos>((kPerPower + bucket % kPerPower + 1) << shift) - 1;
    }

private:
    static constexpr unsigned kPerPowerBits = 5;
    static constexpr std::size_t kPerPower = std::size_t{1} << kPerPowerBits;

    std::array<Counter, kBuckets> buckets_;
};

struct Quantiles {
    double p50_us = 0;
    double p99_us = 0;
    double p999_us = 0;
};

/// Nothing when nothing was recorded.
std::optional<Quantiles> quantiles(const Histogram::Counts& counts);

}  // namespace storm::bench

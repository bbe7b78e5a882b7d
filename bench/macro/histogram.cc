#include "bench/macro/histogram.h"

#include <cmath>
#include <numeric>

namespace storm::bench {
namespace {

double quantile_us(const Histogram::Counts& counts, std::uint64_t all, double q) {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(all)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        seen += counts[i];
        if (seen >= wanted) return static_cast<double>(Histogram::upper_bound(i)) / 1e3;
    }
    return static_cast<double>(Histogram::upper_bound(counts.size() - 1)) / 1e3;
}

}  // namespace

std::optional<Quantiles> quantiles(const Histogram::Counts& counts) {
    const std::uint64_t all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    if (all == 0) return std::nullopt;
    return Quantiles{.p50_us = quantile_us(counts, all, 0.5),
                     .p99_us = quantile_us(counts, all, 0.99),
                     .p999_us = quantile_us(counts, all, 0.999)};
}

}  // namespace storm::bench

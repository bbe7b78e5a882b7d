#include "worker/executor/stats.h"

#include <cmath>
#include <numeric>

namespace storm::worker {

base::Micros quantile(const std::array<std::uint64_t, LatencyHistogram::kBuckets>& counts,
                      double q) {
    const std::uint64_t all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    if (all == 0) return 0;
    const auto wanted = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(all)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        seen += counts[i];
        // Errs upwards, by one bucket at most.
        if (seen >= wanted) return LatencyHistogram::upper_bound(i);
    }
    return LatencyHistogram::upper_bound(counts.size() - 1);
}

}  // namespace storm::worker

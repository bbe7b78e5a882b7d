// What a worker counts, as Prometheus wants it.
//
// Threads: collecting, from any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "worker/run/status.h"

namespace storm::worker {

struct MetricsSource {
    std::string topology;
    std::string worker;  ///< "local"
};

/// Who vouches for a worker of a cluster.
struct LeaseState {
    std::string_view holder;  ///< "supervisor", "nimbus", "nobody"
    base::Micros age = 0;     ///< Since somebody has said so.
};

/// The text of /metrics. Acks and fails of a spout that declares several streams have no stream.
std::string metrics_text(const Snapshot& snapshot, const MetricsSource& source,
                         const std::optional<LeaseState>& lease = {});

}  // namespace storm::worker

// What a worker counts, as Prometheus wants it.
//
// Threads: collecting, from any.
#pragma once

#include <string>

#include "worker/run/status.h"

namespace storm::worker {

struct MetricsSource {
    std::string topology;
    std::string worker;  ///< "local"
};

/// The text of /metrics. Acks and fails of a spout that declares several streams have no stream.
std::string metrics_text(const Snapshot& snapshot, const MetricsSource& source);

}  // namespace storm::worker

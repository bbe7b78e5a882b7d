// A worker's counts in Prometheus' format.
//
// Threads: any may collect.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/http_message.h"
#include "worker/run/status.h"

namespace storm::worker {

struct MetricsSource {
    std::string topology;
    std::string worker;  ///< "local", or the worker's number.
};

/// The one that vouches for a worker of a cluster.
struct LeaseState {
    std::string_view holder;  ///< "supervisor", "nimbus" or "nobody".
    base::Micros age = 0;     ///< Time since it last did.
};

/// Acks and fails of a spout with several streams have no stream label.
net::HttpResponse metrics_response(const Snapshot& snapshot, const MetricsSource& source,
                                   const std::optional<LeaseState>& lease = {});

}  // namespace storm::worker

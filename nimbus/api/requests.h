// Parses the requests of users and Supervisors: from any JSON to checked values.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "nimbus/topology_store/topologies.h"

namespace storm::nimbus {

/// Apache Storm's rule: not empty, no slash, dot, colon or backslash. Also: at most
/// kTopologyNameBytesMax letters, digits, '_' and '-'.
base::Result<base::Done> check_name(std::string_view name);

/// The body of POST /api/v1/topologies. An error names the member and its fault.
base::Result<Submission> read_submission(std::string_view text);

/// The body of POST …/kill, which may be empty, in milliseconds.
base::Result<std::optional<std::int64_t>> read_kill_wait(std::string_view text);

/// The body of POST …/rebalance, which may be empty.
struct RebalanceRequest {
    std::optional<std::int64_t> wait_ms;
    cluster::Rebalance change;
};
base::Result<RebalanceRequest> read_rebalance(std::string_view text);

}  // namespace storm::nimbus

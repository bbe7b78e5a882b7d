// What users and Supervisors send to Nimbus: from JSON that may be anything to checked values.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "nimbus/topology_store/topologies.h"

namespace storm::nimbus {

/// Storm's rule: not empty, no slash, dot, colon or backslash; and no longer than
/// kTopologyNameBytesMax, of letters, digits, '_' and '-'.
base::Result<base::Done> check_name(std::string_view name);

/// The body of POST /api/v1/topologies. The error names the member and what is wrong with it.
base::Result<Submission> read_submission(std::string_view text);

/// The body of POST …/kill, which may be empty; milliseconds.
base::Result<std::optional<std::int64_t>> read_kill_wait(std::string_view text);

}  // namespace storm::nimbus

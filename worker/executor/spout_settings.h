// Settings of a spout that are needed outside of its own task.
//
// Threads: pure functions.
#pragma once

#include <cstdint>

#include <storm/config.h>

#include "base/clock.h"

namespace storm::worker {

/// topology.max.spout.pending of a spout with these settings, or its default.
std::uint32_t max_spout_pending(const Config& config);
/// topology.message.timeout.secs; 0: tuples never time out.
base::Micros message_timeout(const Config& config);

}  // namespace storm::worker

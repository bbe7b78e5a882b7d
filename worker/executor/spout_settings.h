// Settings of a spout that are needed outside of its own task.
//
// Threads: pure functions.
#pragma once

#include <cstdint>

#include <storm/config.h>

#include "base/clock.h"

namespace storm::worker {

/// Most pending roots of a spout task, and how many it may have if topology.max.spout.pending is
/// not set.
inline constexpr std::uint32_t kPendingMax = 1U << 20;

/// topology.max.spout.pending of a spout with these settings, or its default.
std::uint32_t max_spout_pending(const Config& config);
/// topology.message.timeout.secs; 0: tuples never time out.
base::Micros message_timeout(const Config& config);

}  // namespace storm::worker

// Settings of a spout that more than its own task asks for.
//
// Threads: pure functions.
#pragma once

#include <cstdint>

#include <storm/config.h>

#include "base/clock.h"
#include "worker/wiring/wiring.h"

namespace storm::worker {

/// topology.max.spout.pending, or its default, of a spout with these settings.
std::uint32_t max_spout_pending(const Config& config);
/// topology.message.timeout.secs; 0: its tuples never time out.
base::Micros message_timeout(const Config& config);
/// Of all spouts: a row does not say whose it is. 0: some spout waits for ever.
base::Micros longest_message_timeout(const Wiring& wiring);

}  // namespace storm::worker

// Every limit of a worker's talk with its Supervisor, in one place.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"
#include "cluster/worker_protocol.h"

namespace storm::worker {

/// A Supervisor that has not vouched for so long is away; a little earlier Nimbus is asked instead.
inline constexpr base::Micros kVouchSilence = 3 * cluster::kVouchMicros;
inline constexpr base::Micros kAskAfter = 2 * cluster::kVouchMicros;
/// Between two questions to Nimbus.
inline constexpr base::Micros kAskInterval = base::kMicrosPerSecond;
/// Of one Nimbus, until the next one is asked.
inline constexpr std::chrono::milliseconds kAskTimeout{500};
inline constexpr std::size_t kAskTries = 4;

}  // namespace storm::worker

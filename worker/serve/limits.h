// All limits of a worker's talk with its Supervisor.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"
#include "cluster/worker_protocol.h"

namespace storm::worker {

/// A Supervisor that has not vouched for this long is away; Nimbus is asked a little earlier.
inline constexpr base::Micros kVouchSilence = 3 * cluster::kVouchMicros;
inline constexpr base::Micros kAskAfter = 2 * cluster::kVouchMicros;
/// Interval of questions to Nimbus.
inline constexpr base::Micros kAskInterval = base::kMicrosPerSecond;
/// Time for one Nimbus to answer, before the next one is asked.
inline constexpr std::chrono::milliseconds kAskTimeout{500};
inline constexpr std::size_t kAskTries = 4;

}  // namespace storm::worker

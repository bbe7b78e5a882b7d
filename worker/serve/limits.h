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
/// Nimbuses asked in one question. If none of them answers, the next question goes to others.
inline constexpr std::size_t kAskTries = 4;
/// Time between two log lines about the same address whose answers are not believed.
inline constexpr base::Micros kDistrustInterval = 60 * base::kMicrosPerSecond;

}  // namespace storm::worker

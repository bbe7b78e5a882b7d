// Every limit of running a topology here that is not a setting.
#pragma once

#include <cstddef>

#include "base/clock.h"

namespace storm::worker {

/// Between two looks for a signal. The end of the topology is noticed at once.
inline constexpr base::Micros kSignalPollMicros = 50 * base::kMicrosPerMilli;
/// What user code gets to return, once all is over, before the process ends without it.
inline constexpr base::Micros kStopPatienceMicros = 3 * base::kMicrosPerSecond;

/// The status is shown this often on a terminal, and this often elsewhere.
inline constexpr base::Micros kScreenMicros = base::kMicrosPerSecond;
inline constexpr base::Micros kPlainMicros = 5 * base::kMicrosPerSecond;
/// What runs is looked at this often for what a user should be told.
inline constexpr base::Micros kNoticeMicros = base::kMicrosPerSecond;
/// A spout at its limit and bolts that keep tuples: nothing completes for so long.
inline constexpr base::Micros kPendingStallMicros = 5 * base::kMicrosPerSecond;
/// On a terminal it takes this many lines at most.
inline constexpr std::size_t kStatusLinesMax = 12;

}  // namespace storm::worker

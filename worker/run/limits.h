// All limits of a local run that are not settings.
#pragma once

#include <cstddef>

#include "base/clock.h"

namespace storm::worker {

/// Interval of looks for a signal. The end of the topology is noticed at once.
inline constexpr base::Micros kSignalPollMicros = 50 * base::kMicrosPerMilli;
/// Time for user code to return when everything is over, before the process ends without it.
inline constexpr base::Micros kStopPatienceMicros = 3 * base::kMicrosPerSecond;

/// Interval of the status on a terminal, and elsewhere.
inline constexpr base::Micros kScreenMicros = base::kMicrosPerSecond;
inline constexpr base::Micros kPlainMicros = 5 * base::kMicrosPerSecond;
/// Interval of looks for anything that a user should be told.
inline constexpr base::Micros kNoticeMicros = base::kMicrosPerSecond;
/// Warn if nothing completes for this long while a spout is at its limit and bolts keep tuples.
inline constexpr base::Micros kPendingStallMicros = 5 * base::kMicrosPerSecond;
/// Shortest time in open() or prepare() that the status shows.
inline constexpr base::Micros kOpeningShownMicros = base::kMicrosPerSecond;
/// Most lines that the status takes on a terminal.
inline constexpr std::size_t kStatusLinesMax = 12;

}  // namespace storm::worker

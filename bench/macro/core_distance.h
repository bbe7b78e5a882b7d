// How far apart the first two processors are that this process may use.
//
// Threads: the caller's, and one of its own. Cost: some 20 to 60 ms of two processors.
#pragma once

#include <optional>

namespace storm::bench {

/// Nanoseconds for a cache line to go to the other one and back; nothing: there is but one.
std::optional<double> core_round_trip_ns();

}  // namespace storm::bench

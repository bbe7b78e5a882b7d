// All limits of a topology's wiring that are not settings.
#pragma once

#include <cstddef>

namespace storm::worker {

/// Credit of one channel (source executor, target executor): its share of
/// topology.worker.buffer.bytes, kept within these bounds.
inline constexpr std::size_t kWindowBytesMin = 4 * 1024;
inline constexpr std::size_t kWindowBytesMax = 64 * 1024;
/// Upper bound between workers, where credit also has to cover the round trip.
inline constexpr std::size_t kWindowBytesMaxElsewhere = 512 * 1024;

/// Pairs of a task in this worker and a task that it sends to. Each takes some 100 bytes, and as
/// much again per pair of executors.
inline constexpr std::size_t kTaskPairsMax = 16'000'000;

}  // namespace storm::worker

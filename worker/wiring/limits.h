// Every limit of a topology's wiring that is not a setting.
#pragma once

#include <cstddef>

namespace storm::worker {

/// Credit of one channel (source executor, target executor): a share of
/// topology.worker.buffer.bytes within these.
inline constexpr std::size_t kWindowBytesMin = 4 * 1024;
inline constexpr std::size_t kWindowBytesMax = 64 * 1024;
/// The same between workers, where it also has to cover the way there and back.
inline constexpr std::size_t kWindowBytesMaxElsewhere = 512 * 1024;

/// Pairs of a task in this worker and one that it sends to: some 100 bytes each, and as much again
/// for each pair of executors.
inline constexpr std::size_t kTaskPairsMax = 16'000'000;

}  // namespace storm::worker

// Which of a topology's workers runs which executor: a function of the topology and the number of
// workers alone, so that a worker's executors stay while its number of companions does.
//
// A component with an executor for every worker puts its i-th one on worker i mod n, so that chains
// of such components stay in one process. One with fewer follows its first source, as long as that
// worker has room; every worker gets something. All components of one cycle are on one worker: what
// bounds the tuples in a cycle knows one process only.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cluster/description.h"

namespace storm::nimbus {

/// More workers than this would have nothing to do: one for each executor, and for each cycle.
std::size_t useful_workers(const cluster::Description& topology);

/// Worker (0 … workers - 1) of each executor, in the order of cluster::Plan::executors.
/// REQUIRES: 0 < workers <= useful_workers().
std::vector<std::uint32_t> spread(const cluster::Description& topology, std::size_t workers);

/// Ids of the components that form cycles; one list each.
std::vector<std::vector<std::string>> cycles(const cluster::Description& topology);

}  // namespace storm::nimbus

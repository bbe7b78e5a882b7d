// Assigns executors to the workers of a topology: a function of the topology and the number of
// workers alone, so a worker's executors stay as long as that number does.
//
// A component with at least one executor per worker puts its i-th executor on worker i mod n, so
// chains of such components stay in one process. A smaller component follows its first source as
// long as that worker has room; every worker gets something. All components of a cycle are on one
// worker, because the bound on tuples in a cycle works within one process only.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cluster/description.h"

namespace storm::nimbus {

/// The number of workers that have something to do: one per executor, and one per cycle.
std::size_t useful_workers(const cluster::Description& topology);

/// Worker (0 … workers - 1) of each executor, in the order of cluster::Plan::executors.
/// REQUIRES: 0 < workers <= useful_workers().
std::vector<std::uint32_t> spread(const cluster::Description& topology, std::size_t workers);

/// Ids of the components that form cycles; one list each.
std::vector<std::vector<std::string>> cycles(const cluster::Description& topology);

}  // namespace storm::nimbus

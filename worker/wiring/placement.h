// Assigns executors to loops.
//
// A component with at least as many executors as there are shared loops gets one on each, so that
// chains of such components stay on one core. A smaller component follows its first source, unless
// that loop already has clearly more executors than the emptiest. Blocking executors get loops of
// their own, numbered after the shared ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <storm/topology.h>

#include "cluster/plan.h"
#include "worker/wiring/share.h"

namespace storm::worker {

struct Placement {
    /// The executor runs in another worker.
    static constexpr std::uint32_t kElsewhere = ~0U;

    std::vector<std::uint32_t> loop_of_executor;  // Indexed like Plan::executors; kElsewhere.
    std::size_t shared_loops = 0;
    std::size_t loops = 0;  // Shared loops, and those of blocking executors.
};

/// REQUIRES: threads > 0. `all_dedicated`: gives every executor a loop of its own.
Placement place(const Topology& topology, const cluster::Plan& plan, const Share& share,
                std::size_t threads, bool all_dedicated);

}  // namespace storm::worker

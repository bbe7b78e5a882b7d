// The plan that is fixed before anything runs: which tasks exist, which loop or worker each one
// runs in, and what can reach what.
//
// A destination is a loop's number or, from first_peer() on, first_peer() + a worker's number.
//
// Threads: immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <storm/topology.h>

#include "base/clock.h"
#include "cluster/plan.h"
#include "worker/wiring/cycles.h"
#include "worker/wiring/placement.h"
#include "worker/wiring/share.h"

namespace storm::worker {

struct Wiring {
    /// Throws std::invalid_argument if the share cannot be run.
    Wiring(Topology topology_given, Config config_given, Share share_given = {});

    std::vector<TaskId> tasks_of(std::size_t component) const;
    /// Empty if there is no such component.
    std::vector<TaskId> tasks_of(std::string_view component) const;
    std::size_t stream_index(std::size_t component, std::string_view stream) const;
    std::uint32_t destination_of(TaskId task) const {
        return destination_of_task[static_cast<std::size_t>(task)];
    }
    std::uint32_t first_peer() const { return static_cast<std::uint32_t>(placement.loops); }
    /// The destination that is another worker.
    std::uint32_t peer(std::uint32_t worker) const { return first_peer() + worker; }
    std::size_t destinations() const {
        return share.workers == 1 ? placement.loops : placement.loops + share.workers;
    }
    bool is_here(TaskId task) const { return destination_of(task) < placement.loops; }
    bool executor_is_here(std::size_t executor) const {
        return share.worker_of(executor) == share.own;
    }

    const Topology topology;
    const Config config;
    const Share share;
    const cluster::Plan plan;
    const Placement placement;
    const Cycles cycles;
    std::vector<std::uint32_t> destination_of_task;  // Indexed by task id; [0] is unused.
    std::vector<std::size_t> component_of_task;
    std::vector<std::size_t> executor_of_task;
    std::vector<std::uint32_t> control_destinations;  // Loops with spouts, and all other workers.
    /// Workers that the component's tuples and their descendants may reach, ascending. Indexed by
    /// component.
    std::vector<std::vector<std::uint32_t>> workers_reached;
    /// Workers with a component upstream of this one, ascending. Indexed by component.
    std::vector<std::vector<std::uint32_t>> workers_above;
    /// Indexed by component, then by stream id.
    std::vector<std::vector<std::unique_ptr<detail::StreamSchema>>> schemas;
    detail::StreamSchema tick_schema;
};

/// Bounds of what may wait, per channel and in total.
struct Limits {
    std::uint64_t window_bytes;            // Credit of a channel within this worker,
    std::uint64_t window_bytes_elsewhere;  // and of one from another worker.
    std::int64_t budget_bytes;
    std::size_t overshoot_bytes;
    base::Micros spout_wait_max;
};

Limits limits_of(const Wiring& wiring);
/// The credit of a channel from elsewhere that ends in that worker; all workers come to the same.
std::uint64_t window_bytes_of(const Wiring& wiring, std::uint32_t worker);

}  // namespace storm::worker

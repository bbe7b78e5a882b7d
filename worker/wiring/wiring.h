// What is fixed before anything runs: which tasks there are, which loop or worker each is on, what
// reaches whom.
//
// A destination is a loop's number, or, from first_peer() on, a worker's.
//
// Threads: immutable, read by all.
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
    /// Throws std::invalid_argument when the share cannot be run.
    Wiring(Topology topology_given, Config config_given, Share share_given = {});

    std::vector<TaskId> tasks_of(std::size_t component) const;
    std::vector<TaskId> tasks_of(std::string_view component) const;  ///< Empty: no such component.
    std::size_t stream_index(std::size_t component, std::string_view stream) const;
    std::uint32_t destination_of(TaskId task) const {
        return destination_of_task[static_cast<std::size_t>(task)];
    }
    std::uint32_t first_peer() const { return static_cast<std::uint32_t>(placement.loops); }
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
    std::vector<std::uint32_t> destination_of_task;  // By task id; [0] is unused.
    std::vector<std::size_t> component_of_task;
    std::vector<std::size_t> executor_of_task;
    std::vector<std::uint32_t> control_destinations;  // Loops with spouts; all other workers.
    /// By component: the workers that its tuples, or what comes of them, may get to; ascending.
    std::vector<std::vector<std::uint32_t>> workers_reached;
    /// By component: the workers that run something that its tuples come of; ascending.
    std::vector<std::vector<std::uint32_t>> workers_above;
    /// By component, by stream id.
    std::vector<std::vector<std::unique_ptr<detail::StreamSchema>>> schemas;
    detail::StreamSchema tick_schema;
};

/// What may wait, in the channels and in all.
struct Limits {
    std::uint64_t window_bytes;            // Of a channel within this worker,
    std::uint64_t window_bytes_elsewhere;  // and of one from another.
    std::int64_t budget_bytes;
    std::size_t overshoot_bytes;
    base::Micros spout_wait_max;
};

Limits limits_of(const Wiring& wiring);

}  // namespace storm::worker

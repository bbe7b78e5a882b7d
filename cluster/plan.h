// From a topology to numbered tasks and executors: what every process that runs a part of it must
// agree on.
//
// Tasks are numbered from 1, component ids in byte order, each component a run of consecutive ids.
// An executor runs a contiguous share of its component's tasks, larger shares first. (Storm's rule;
// the same topology and settings give the same numbers.)
#pragma once

#include <cstddef>
#include <vector>

#include <storm/config.h>
#include <storm/topology.h>

#include "base/clock.h"

namespace storm::cluster {

struct ExecutorPlan {
    std::size_t component;  // Index into Topology::components().
    TaskId first_task;
    int tasks;
};

struct ComponentPlan {
    TaskId first_task;
    int tasks;
    std::size_t first_executor;  // Index into Plan::executors.
    int executors;
};

struct Plan {
    std::vector<ComponentPlan> components;  // As in Topology::components().
    std::vector<ExecutorPlan> executors;    // In the order of their tasks.
    TaskId last_task = 0;
};

Plan make_plan(const Topology& topology, const Config& config);

/// The configuration that a component sees: its own settings over the topology's.
Config component_config(const Component& component, const Config& config);

/// Between two ticks of a bolt that asked for them, by tick() or its own setting; 0: it gets none.
/// `config`: its own.
base::Micros tick_interval(const Component& component, const Config& config);

}  // namespace storm::cluster

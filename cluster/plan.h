// Numbers the tasks and executors of a topology. Every process that runs a part of it must come to
// the same numbers.
//
// Tasks are numbered from 1, components in byte order of their ids, each with a run of consecutive
// task ids. An executor runs a contiguous share of its component's tasks, larger shares first.
// (Apache Storm's rule; the same topology and settings always give the same numbers.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
    std::vector<ComponentPlan> components;  // Indexed like Topology::components().
    std::vector<ExecutorPlan> executors;    // In the order of their tasks.
    TaskId last_task = 0;
};

/// Executors of components in place of those that the program asks for: COMPONENT=N, as storm
/// rebalance sets it.
inline constexpr std::string_view kExecutorsSetting = "topology.component.executors";

/// From COMPONENT=N, N from 1 to kTasksMax. Nothing: it is not that.
std::optional<std::pair<std::string, std::uint32_t>> executors_in(std::string_view item);

/// Throws ConfigError if kExecutorsSetting names no component, or more executors than it has tasks.
Plan make_plan(const Topology& topology, const Config& config);
/// Gives a component its numbers, after those that have theirs. In the order of their ids.
void number_component(Plan& plan, std::size_t component, int tasks, int executors);

/// The configuration that a component sees: its own settings over the topology's.
Config component_config(const Component& component, const Config& config);

/// Interval between two ticks of a bolt that asked for them, by tick() or its own setting; 0: no
/// ticks. `config` is the component's own.
base::Micros tick_interval(const Component& component, const Config& config);

}  // namespace storm::cluster

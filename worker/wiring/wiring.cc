#include "worker/wiring/wiring.h"

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include <storm/detail/suggest.h>

#include "base/check.h"
#include "base/thread.h"
#include "worker/wiring/limits.h"

namespace storm::worker {
namespace {

// Workers on one host share its cores, or their loops would wait for each other's processor.
std::size_t worker_threads(const Config& config, const Share& share) {
    const std::int64_t set = config.int64("topology.worker.threads", 0);
    if (set > 0) return static_cast<std::size_t>(set);
    return std::max<std::size_t>(1, base::usable_cores() / share.workers_on_host);
}

// All components of a cycle must be in one worker, because its rows are counted in one place
// (queue/cycle.h).
void check_cycles(const Cycles& cycles, const cluster::Plan& plan, const Share& share) {
    std::vector<std::optional<std::uint32_t>> worker_of_cycle(cycles.count);
    for (std::size_t e = 0; e < plan.executors.size(); ++e) {
        const std::size_t cycle = cycles.of_component[plan.executors[e].component];
        if (cycle == kNoCycle) continue;
        std::optional<std::uint32_t>& worker = worker_of_cycle[cycle];
        if (!worker) worker = share.worker_of(e);
        if (*worker != share.worker_of(e))
            throw std::invalid_argument("the components of a cycle are on several workers");
    }
}

// All workers number executors and tasks by this plan, and so did Nimbus. If the numbers differ,
// this program is another one than that which was submitted.
cluster::Plan checked_plan(const Topology& topology, const Config& config, const Share& share) {
    cluster::Plan plan = cluster::make_plan(topology, config);
    if (!share.whole() && share.worker_of_executor.size() != plan.executors.size()) {
        throw std::invalid_argument(
            "the assignment has " + std::to_string(share.worker_of_executor.size()) +
            " executors, the topology " + std::to_string(plan.executors.size()));
    }
    return plan;
}

// Every task keeps state for every task that it sends to. Refused here with a reason, since the
// tables that are made later would just exhaust the memory.
void check_task_pairs(const Topology& topology, const cluster::Plan& plan, const Share& share) {
    std::vector<std::size_t> here(topology.components().size());
    for (std::size_t e = 0; e < plan.executors.size(); ++e) {
        if (share.worker_of(e) == share.own)
            here[plan.executors[e].component] += static_cast<std::size_t>(plan.executors[e].tasks);
    }
    std::size_t pairs = 0;
    for (std::size_t c = 0; c < topology.components().size(); ++c) {
        for (const Subscription& input : topology.components()[c].inputs) {
            const std::size_t sources = here[component_index(topology, input.source)];
            const auto targets = static_cast<std::size_t>(plan.components[c].tasks);
            pairs += sources * targets;
            if (pairs <= kTaskPairsMax) continue;
            throw std::invalid_argument(
                detail::quoted(topology.components()[c].id) + " has " + std::to_string(targets) +
                " tasks, and listens to " + std::to_string(sources) + " of " +
                detail::quoted(input.source) + " in this worker: with these, more than the " +
                std::to_string(kTaskPairsMax) +
                " pairs of tasks that a worker may have; use fewer tasks, or more workers");
        }
    }
}

// Adds to each component's workers those of the components that get its tuples, transitively.
void add_downstream(const Topology& topology, std::vector<std::set<std::uint32_t>>& reached) {
    const std::vector<Component>& components = topology.components();
    for (bool grown = true; grown;) {
        grown = false;
        for (std::size_t c = 0; c < components.size(); ++c) {
            for (const Subscription& input : components[c].inputs) {
                std::set<std::uint32_t>& source = reached[component_index(topology, input.source)];
                const std::size_t before = source.size();
                source.insert(reached[c].begin(), reached[c].end());
                grown = grown || source.size() > before;
            }
        }
    }
}

// Adds the workers of each component's sources, and of their sources, transitively.
void add_upstream(const Topology& topology, const std::vector<std::set<std::uint32_t>>& own,
                  std::vector<std::set<std::uint32_t>>& above) {
    const std::vector<Component>& components = topology.components();
    for (bool grown = true; grown;) {
        grown = false;
        for (std::size_t c = 0; c < components.size(); ++c) {
            const std::size_t before = above[c].size();
            for (const Subscription& input : components[c].inputs) {
                const std::size_t source = component_index(topology, input.source);
                above[c].insert(own[source].begin(), own[source].end());
                // A copy, because in a cycle of one component the set itself grows.
                const std::set<std::uint32_t> higher = above[source];
                above[c].insert(higher.begin(), higher.end());
            }
            grown = grown || above[c].size() > before;
        }
    }
}

}  // namespace

Wiring::Wiring(Topology topology_given, Config config_given, Share share_given)
    : topology(std::move(topology_given)),
      config(std::move(config_given)),
      share(std::move(share_given)),
      plan(checked_plan(topology, config, share)),
      placement(place(topology, plan, share, worker_threads(config, share),
                      config.string("topology.executor.threads") == "dedicated")),
      cycles(find_cycles(topology)),
      tick_schema{"__system", "__tick", {{"every_ms", Kind::kInt64}}} {
    check_cycles(cycles, plan, share);
    check_task_pairs(topology, plan, share);
    const auto tasks = static_cast<std::size_t>(plan.last_task) + 1;
    destination_of_task.resize(tasks);
    component_of_task.resize(tasks);
    executor_of_task.resize(tasks);
    std::set<std::uint32_t> with_control;
    std::vector<std::set<std::uint32_t>> reached(topology.components().size());
    for (std::size_t e = 0; e < plan.executors.size(); ++e) {
        const cluster::ExecutorPlan& executor = plan.executors[e];
        const std::uint32_t destination =
            executor_is_here(e) ? placement.loop_of_executor[e] : peer(share.worker_of(e));
        for (TaskId task = executor.first_task; task < executor.first_task + executor.tasks;
             ++task) {
            destination_of_task[static_cast<std::size_t>(task)] = destination;
            component_of_task[static_cast<std::size_t>(task)] = executor.component;
            executor_of_task[static_cast<std::size_t>(task)] = e;
        }
        // Acks go to loops with spouts. Another worker may run some, and is told of credit in any
        // case.
        const bool spout = topology.components()[executor.component].is_spout();
        if (spout || !executor_is_here(e)) with_control.insert(destination);
        reached[executor.component].insert(share.worker_of(e));
    }
    control_destinations.assign(with_control.begin(), with_control.end());
    // Above first: add_downstream() turns `reached` from where components run into what they reach.
    std::vector<std::set<std::uint32_t>> above(reached.size());
    add_upstream(topology, reached, above);
    add_downstream(topology, reached);
    for (const std::set<std::uint32_t>& workers : reached)
        workers_reached.emplace_back(workers.begin(), workers.end());
    for (const std::set<std::uint32_t>& workers : above)
        workers_above.emplace_back(workers.begin(), workers.end());
    for (const Component& component : topology.components()) {
        auto& streams = schemas.emplace_back();
        for (const StreamDeclaration& output : component.outputs) {
            // Never moved: tuples point to them, and bolts tell their inputs apart by these
            // addresses.
            streams.push_back(std::make_unique<detail::StreamSchema>(
                detail::StreamSchema{component.id, output.name, output.fields}));
        }
    }
}

std::vector<TaskId> Wiring::tasks_of(std::size_t component) const {
    std::vector<TaskId> tasks(static_cast<std::size_t>(plan.components[component].tasks));
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        tasks[i] = plan.components[component].first_task + static_cast<TaskId>(i);
    }
    return tasks;
}

std::vector<TaskId> Wiring::tasks_of(std::string_view component) const {
    if (topology.component(component) == nullptr) return {};
    return tasks_of(component_index(topology, component));
}

std::size_t Wiring::stream_index(std::size_t component, std::string_view stream) const {
    const std::vector<StreamDeclaration>& outputs = topology.components()[component].outputs;
    const auto found =
        std::find_if(outputs.begin(), outputs.end(),
                     [&](const StreamDeclaration& output) { return output.name == stream; });
    STORM_CHECK(found != outputs.end(), "build() has checked every subscription");
    return static_cast<std::size_t>(found - outputs.begin());
}

namespace {

/// The channels that end in a worker get equal shares of topology.worker.buffer.bytes.
std::uint64_t share_of_channel(const Wiring& wiring, std::uint32_t worker) {
    std::uint64_t channels = 0;
    const std::vector<Component>& components = wiring.topology.components();
    std::vector<std::uint64_t> here(components.size());  // Executors.
    for (std::size_t e = 0; e < wiring.plan.executors.size(); ++e)
        here[wiring.plan.executors[e].component] += wiring.share.worker_of(e) == worker ? 1U : 0U;
    for (std::size_t c = 0; c < components.size(); ++c) {
        std::set<std::string> sources;
        for (const Subscription& input : components[c].inputs) sources.insert(input.source);
        for (const std::string& source : sources) {
            const cluster::ComponentPlan& from =
                wiring.plan.components[component_index(wiring.topology, source)];
            channels += static_cast<std::uint64_t>(from.executors) * here[c];
        }
    }
    const std::int64_t budget = wiring.config.int64("topology.worker.buffer.bytes");
    return static_cast<std::uint64_t>(budget) / std::max<std::uint64_t>(1, channels);
}

}  // namespace

std::uint64_t window_bytes_of(const Wiring& wiring, std::uint32_t worker) {
    return std::clamp<std::uint64_t>(share_of_channel(wiring, worker), kWindowBytesMin,
                                     kWindowBytesMaxElsewhere);
}

Limits limits_of(const Wiring& wiring) {
    // The least window may exceed the budget in sum. Then over_budget() holds the spouts back.
    const std::uint64_t share = share_of_channel(wiring, wiring.share.own);
    return {.window_bytes = std::clamp<std::uint64_t>(share, kWindowBytesMin, kWindowBytesMax),
            .window_bytes_elsewhere = window_bytes_of(wiring, wiring.share.own),
            .budget_bytes = wiring.config.int64("topology.worker.buffer.bytes"),
            .overshoot_bytes =
                static_cast<std::size_t>(wiring.config.int64("topology.executor.overshoot.bytes")),
            .spout_wait_max = wiring.config.int64("topology.sleep.spout.wait.strategy.time.ms") *
                              base::kMicrosPerMilli};
}

}  // namespace storm::worker

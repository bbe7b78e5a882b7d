#include "worker/wiring/placement.h"

#include <algorithm>

#include "worker/wiring/cycles.h"

namespace storm::worker {
namespace {

// How many more executors than the emptiest loop a loop may have for a chain to stay on it.
constexpr std::size_t kSlack = 2;

}  // namespace

// In order of declaration, so that it is the same each time, and sources mostly come before their
// listeners. --explain makes the same placement, without running anything.
Placement place(const Topology& topology, const cluster::Plan& plan, const Share& share,
                std::size_t threads, bool all_dedicated) {
    const std::vector<Component>& components = topology.components();
    Placement placement;
    placement.loop_of_executor.assign(plan.executors.size(), Placement::kElsewhere);
    const auto dedicated = [&](std::size_t c) { return all_dedicated || components[c].blocking; };
    // Executors of each component that run here.
    std::vector<std::vector<std::size_t>> own(components.size());
    std::size_t cooperative = 0;
    for (std::size_t e = 0; e < plan.executors.size(); ++e) {
        if (share.worker_of(e) != share.own) continue;
        own[plan.executors[e].component].push_back(e);
        cooperative += dedicated(plan.executors[e].component) ? 0U : 1U;
    }
    // Never more loops than executors: the rest would be threads that only sleep.
    placement.shared_loops = std::min(threads, cooperative);
    placement.loops = placement.shared_loops;

    std::vector<std::size_t> load(placement.shared_loops, 0);
    for (std::size_t c = 0; c < components.size(); ++c) {
        const auto emptiest = [&] {
            return static_cast<std::size_t>(std::min_element(load.begin(), load.end()) -
                                            load.begin());
        };
        std::size_t follow = load.empty() ? 0 : emptiest();
        if (!load.empty() && !components[c].inputs.empty()) {
            const std::size_t source =
                component_index(topology, components[c].inputs.front().source);
            // A source that is declared later is not placed yet; then any loop will do.
            if (source < c && !dedicated(source) && !own[source].empty()) {
                const std::size_t near = placement.loop_of_executor[own[source].front()];
                if (load[near] <= load[follow] + kSlack) follow = near;
            }
        }
        for (std::size_t i = 0; i < own[c].size(); ++i) {
            std::size_t loop = 0;
            if (dedicated(c)) {
                loop = placement.loops++;
            } else if (own[c].size() >= placement.shared_loops) {
                loop = i % placement.shared_loops;
                ++load[loop];
            } else {
                // One after the other, so that two executors of a small component do not share a
                // loop while others have none.
                loop = (follow + i) % placement.shared_loops;
                ++load[loop];
            }
            placement.loop_of_executor[own[c][i]] = static_cast<std::uint32_t>(loop);
        }
    }
    return placement;
}

}  // namespace storm::worker

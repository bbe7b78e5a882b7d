#include "worker/loop/placement.h"

#include <algorithm>

#include "worker/routing/cycles.h"

namespace storm::worker {
namespace {

constexpr std::size_t kSlack = 2;  // A chain of up to this many more executors stays together.

}  // namespace

Placement place(const Topology& topology, const cluster::Plan& plan, std::size_t threads,
                bool all_dedicated) {
    const std::vector<Component>& components = topology.components();
    Placement placement;
    placement.loop_of_executor.resize(plan.executors.size());
    const auto dedicated = [&](std::size_t c) { return all_dedicated || components[c].blocking; };
    std::size_t cooperative = 0;
    for (const cluster::ExecutorPlan& executor : plan.executors)
        cooperative += dedicated(executor.component) ? 0U : 1U;
    placement.shared_loops = std::min(threads, cooperative);
    placement.loops = placement.shared_loops;

    std::vector<std::size_t> load(placement.shared_loops, 0);
    for (std::size_t c = 0; c < components.size(); ++c) {
        const cluster::ComponentPlan& component = plan.components[c];
        const auto emptiest = [&] {
            return static_cast<std::size_t>(std::min_element(load.begin(), load.end()) -
                                            load.begin());
        };
        std::size_t follow = load.empty() ? 0 : emptiest();
        if (!load.empty() && !components[c].inputs.empty()) {
            const std::size_t source =
                component_index(topology, components[c].inputs.front().source);
            // Sources declared later are not placed yet; any loop will do then.
            if (source < c && !dedicated(source)) {
                const std::size_t near =
                    placement.loop_of_executor[plan.components[source].first_executor];
                if (load[near] <= load[follow] + kSlack) follow = near;
            }
        }
        for (int i = 0; i < component.executors; ++i) {
            const std::size_t executor = component.first_executor + static_cast<std::size_t>(i);
            std::size_t loop = 0;
            if (dedicated(c)) {
                loop = placement.loops++;
            } else if (static_cast<std::size_t>(component.executors) >= placement.shared_loops) {
                loop = static_cast<std::size_t>(i) % placement.shared_loops;
                ++load[loop];
            } else {
                loop = (follow + static_cast<std::size_t>(i)) % placement.shared_loops;
                ++load[loop];
            }
            placement.loop_of_executor[executor] = static_cast<std::uint32_t>(loop);
        }
    }
    return placement;
}

}  // namespace storm::worker

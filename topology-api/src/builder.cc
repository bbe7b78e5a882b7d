#include <storm/topology_builder.h>

#include "topology-api/src/topology_check.h"

namespace storm {

Topology TopologyBuilder::build() {
    Topology topology;
    topology.components_.assign(components_.begin(), components_.end());
    const std::vector<detail::Mistake> mistakes = detail::check_topology(topology.components_);
    if (!mistakes.empty()) throw TopologyError(detail::to_text(mistakes));
    return topology;
}

}  // namespace storm

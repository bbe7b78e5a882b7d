// Finds the cycles of components: the strongly connected parts of a topology's graph.
//
// Tarjan's algorithm (R. Tarjan, "Depth-first search and linear graph algorithms", 1972).
#pragma once

#include <cstddef>
#include <vector>

#include <storm/topology.h>

namespace storm::worker {

inline constexpr std::size_t kNoCycle = static_cast<std::size_t>(-1);

struct Cycles {
    std::vector<std::size_t> of_component;  // Number of the component's cycle, or kNoCycle.
    std::size_t count = 0;

    bool inside(std::size_t source, std::size_t target) const {
        return of_component[source] != kNoCycle && of_component[source] == of_component[target];
    }
};

Cycles find_cycles(const Topology& topology);

/// Index of a component. REQUIRES: it exists.
std::size_t component_index(const Topology& topology, std::string_view id);

}  // namespace storm::worker

// The topology of each scenario.
#pragma once

#include <memory>

#include <storm/topology.h>

#include "bench/macro/meter.h"
#include "bench/macro/options.h"

namespace storm::bench {

/// A topology and what it counts in; the meter outlives whatever runs the topology.
struct Graph {
    std::unique_ptr<Meter> meter;
    Topology topology;
};

Graph make_graph(const Options& options, const Text* text);
/// Baseline for `wide`.
Graph make_narrow(const Options& options);
/// Word count with a spout that blocks on `pipe`, and one that has nothing to say.
Graph make_idle(const Options& options, int pipe);

}  // namespace storm::bench

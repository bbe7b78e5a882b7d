// Turns a topology into a program.
#pragma once

#include <storm/topology.h>

namespace storm {

/// Makes the topology from its configuration. Called each time that the program starts, also in
/// each worker process; must make the same topology from the same configuration.
using TopologyFactory = Topology (*)(const Config& config);

/// Runs the topology here, describes it, or runs a worker's share of it, depending on the arguments
/// (`--help` lists them). Returns the exit code when that is over:
///
///     | 0     finished or drained, and all tuples went through
///     | 1     failed, or tuples were lost
///     | 2     wrong usage or settings
///     | 7     ended with tuples given up
///     | 130   ended at once by a second signal
///
/// Installs handlers for SIGINT, SIGTERM and SIGHUP: the first signal drains. Call it from main(),
/// once.
int run_topology(int argc, char** argv, TopologyFactory make);

}  // namespace storm

/// The whole main() of a topology, given the function that makes it:
///
///     storm::Topology counted(const storm::Config& config) {
///         storm::TopologyBuilder t;
///         t.spout<Lines>("lines").blocking();
///         t.bolt<Split>("split").shuffle("lines");
///         t.bolt<Count>("count")
///             .parallelism(static_cast<int>(config.int64("counters", 2)))
///             .fields("split", {"word"});
///         return t.build();
///     }
///
///     STORM_TOPOLOGY_MAIN(counted)
#define STORM_TOPOLOGY_MAIN(factory)                       \
    int main(int argc, char** argv) {                      \
        return ::storm::run_topology(argc, argv, factory); \
    }

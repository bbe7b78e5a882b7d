// How a topology becomes a program.
#pragma once

#include <storm/topology.h>

namespace storm {

using TopologyFactory = Topology (*)(const Config& config);

/// Runs the topology here, or describes it, as the arguments say (`--help` lists them). Returns the
/// exit code: 0 finished or drained, and all tuples went through; 1 failed, or tuples were lost; 2
/// usage or settings; 7 ended with tuples given up; 130 on a second signal. Installs handlers for
/// SIGINT and SIGTERM. Call it from main(), once.
int run_topology(int argc, char** argv, TopologyFactory make);

}  // namespace storm

/// The whole main() of a topology: `STORM_TOPOLOGY_MAIN(word_count)`.
#define STORM_TOPOLOGY_MAIN(factory)                       \
    int main(int argc, char** argv) {                      \
        return ::storm::run_topology(argc, argv, factory); \
    }

// A topology for programs: what --describe prints, on stdout or on the descriptor that
// $STORM_DESCRIBE_FD names.
//
//     {"format": 1, "name": …, "storm_version": …, "machine": "x86_64", "glibc": "2.36",
//      "cpu_features": ["sse4_2", …],
//      "settings": {key: value},
//      "components": [{"id": …, "kind": "spout"|"bolt", "parallelism": 2, "tasks": 2,
//                      "blocking": false, "tick_ms": 1000|null, "settings": {key: value},
//                      "streams": [{"name": …, "fields": [{"name": …, "kind": …}], "direct": …}],
//                      "inputs": [{"source": …, "stream": …, "grouping": …, "fields": […]}]}]}
//
// Parallelism and tasks are what the settings make of them. Secrets (storm/detail/secrets.h) are
// not in it. The same program and settings give the same text.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include <storm/config.h>
#include <storm/topology.h>

namespace storm::worker {

/// Grows when a reader of the last one would go wrong.
inline constexpr int kDescribeFormat = 1;

/// What the program needs to run.
struct Platform {
    std::string machine;
    std::string glibc;
    /// That the compiler was let use (STORM_ARCH), by their names in /proc/cpuinfo.
    std::vector<std::string> cpu_features;
};
Platform this_platform();

std::string describe(const std::string& name, const Topology& topology, const Config& config,
                     const Platform& platform);

}  // namespace storm::worker

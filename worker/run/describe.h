// A topology for programs: the output of --describe, on stdout or on the descriptor that
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
// Parallelism and tasks are as the settings determine them. Secrets (storm/detail/secrets.h) are
// left out. The same program and settings give the same text.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include <storm/config.h>
#include <storm/topology.h>

namespace storm::worker {

/// Grows when a reader of the last format would misread the new one.
inline constexpr int kDescribeFormat = 1;

/// The program's requirements.
struct Platform {
    std::string machine;
    std::string glibc;
    /// CPU features that the compiler was allowed to use (STORM_ARCH), named as in /proc/cpuinfo.
    std::vector<std::string> cpu_features;
};
Platform this_platform();

std::string describe(const std::string& name, const Topology& topology, const Config& config,
                     const Platform& platform);

}  // namespace storm::worker

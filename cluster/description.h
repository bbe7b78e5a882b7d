// A submitted topology, as far as the daemons must know it: parsed from the output of `--describe`.
//
// No daemon runs user code. Ids, parallelism, groupings and fields are what the program stated
// about itself when it was submitted.
//
// Threads: plain values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/plan.h"

namespace storm::cluster {

struct DescribedInput {
    std::string source;
    std::string stream;
    std::string grouping;
};

struct DescribedComponent {
    std::string id;
    bool is_spout = false;
    int executors = 0;
    int tasks = 0;
    std::vector<DescribedInput> inputs;
};

struct Description {
    std::string name;
    std::string storm_version;
    std::string machine;
    std::string glibc;
    std::vector<std::string> cpu_features;  ///< CPU features that the compiler was allowed to use.
    std::vector<DescribedComponent> components;  ///< In order of declaration.

    /// Component of each executor, in the order of cluster::Plan::executors: by component id, then
    /// by executor.
    std::vector<std::size_t> component_of_executor() const;
    /// As make_plan() has it.
    Plan plan() const;
};

/// An error says what is missing or wrong.
base::Result<Description> read_description(std::string_view json);

/// Why its components cannot have so many executors; empty: they can.
std::string fault_of_executors(const std::map<std::string, std::uint32_t>& executors,
                               const Description& description);

/// The text with other numbers of executors. REQUIRES: read_description() takes it, and has these
/// components with as many tasks.
std::string with_executors(std::string_view json,
                           const std::map<std::string, std::uint32_t>& executors);

}  // namespace storm::cluster

// Descriptions of topologies for tests, by hand and at random.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <rapidcheck.h>

#include <nlohmann/json.hpp>

#include "cluster/description.h"

namespace storm::nimbus::tests {

class Described {
public:
    Described& spout(std::string id, int executors) {
        made_.components.push_back({std::move(id), true, executors, executors, {}});
        return *this;
    }
    Described& bolt(std::string id, int executors, const std::vector<std::string>& sources) {
        made_.components.push_back({std::move(id), false, executors, executors, {}});
        for (const std::string& source : sources) {
            made_.components.back().inputs.push_back({source, "default", "shuffle"});
        }
        return *this;
    }
    cluster::Description get() const { return made_; }

private:
    cluster::Description made_;
};

/// spout -> split -> count, so many of each.
inline cluster::Description word_count(int executors) {
    return Described()
        .spout("lines", executors)
        .bolt("split", executors, {"lines"})
        .bolt("count", executors, {"split"})
        .get();
}

/// As --describe prints it.
inline std::string describe_json(const cluster::Description& description) {
    nlohmann::json components = nlohmann::json::array();
    for (const cluster::DescribedComponent& component : description.components) {
        nlohmann::json inputs = nlohmann::json::array();
        for (const cluster::DescribedInput& input : component.inputs) {
            inputs.push_back(
                {{"source", input.source}, {"stream", input.stream}, {"grouping", input.grouping}});
        }
        components.push_back({{"id", component.id},
                              {"kind", component.is_spout ? "spout" : "bolt"},
                              {"parallelism", component.executors},
                              {"tasks", component.tasks},
                              {"inputs", inputs}});
    }
    return nlohmann::json({{"format", 1},
                           {"name", description.name},
                           {"storm_version", "0.1.0"},
                           {"machine", description.machine},
                           {"glibc", description.glibc},
                           {"cpu_features", description.cpu_features},
                           {"components", components}})
        .dump();
}

/// Up to 6 components of up to 5 executors; edges anywhere, so that some have cycles.
inline cluster::Description any_description() {
    Described described;
    const int count = *rc::gen::inRange(1, 7);
    for (int c = 0; c < count; ++c) {
        // Not in the order of their declaration.
        const auto name = [](int i) {
            return std::string(1, static_cast<char>('a' + (i * 5) % 7));
        };
        const int executors = *rc::gen::inRange(1, 6);
        if (c == 0) {
            described.spout(name(c), executors);
            continue;
        }
        std::vector<std::string> sources = {name(*rc::gen::inRange(0, c))};
        if (*rc::gen::inRange(0, 4) == 0) sources.push_back(name(*rc::gen::inRange(1, count)));
        described.bolt(name(c), executors, sources);
    }
    return described.get();
}

}  // namespace storm::nimbus::tests

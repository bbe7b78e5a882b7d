// Topologies that are never run: only who listens to whom, and with how many executors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <storm/storm.h>

namespace storm::testing {

class StillSpout final : public Spout {
public:
    void declare_outputs(Outputs& outputs) const override { outputs.stream({"value"}); }
    Next next_tuple(SpoutCollector&) override { return Next::kIdle; }
};

class StillBolt final : public BasicBolt {
public:
    void declare_outputs(Outputs& outputs) const override { outputs.stream({"value"}); }
    void execute(const Tuple&, BasicCollector&) override {}
};

/// A graph in the making:  Graph g;  g.spout("s", 2);  g.bolt("b", 3, {"s", "b"});
class Graph {
public:
    SpoutDeclarer& spout(std::string_view id, int executors = 1) {
        return builder_.spout<StillSpout>(id).parallelism(executors);
    }
    BoltDeclarer& bolt(std::string_view id, int executors,
                       const std::vector<std::string>& sources) {
        BoltDeclarer& bolt = builder_.bolt<StillBolt>(id).parallelism(executors);
        for (const std::string& source : sources) bolt.shuffle(source);
        return bolt;
    }
    Topology build() { return builder_.build(); }

private:
    TopologyBuilder builder_;
};

}  // namespace storm::testing

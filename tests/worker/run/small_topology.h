// A topology for tests of texts: a spout, a bolt that talks to itself, and a sink.
#pragma once

#include <storm/storm.h>

namespace storm::worker {

class NoLines final : public Spout {
    void declare_outputs(Outputs& outputs) const override {
        outputs.stream({"path", {"line", Kind::kString}});
    }
    Next next_tuple(SpoutCollector& out) override { return out.finished(), Next::kIdle; }
};

class Crawl final : public BasicBolt {
    void declare_outputs(Outputs& outputs) const override {
        outputs.stream({{"url", Kind::kString}});
        outputs.stream("again", {"url"}, true);
    }
    void execute(const Tuple&, BasicCollector&) override {}
};

class Sink final : public BasicBolt {
    void execute(const Tuple&, BasicCollector&) override {}
};

inline Topology small_topology() {
    TopologyBuilder t;
    t.bolt<Sink>("sink").tick(Milliseconds(1500)).fields("crawl", {"url"}).all("lines");
    t.bolt<Crawl>("crawl")
        .parallelism(2)
        .tasks(3)
        .set("topology.max.tuple.bytes", "2048")
        .shuffle("lines")
        .direct("crawl", "again");
    t.spout<NoLines>("lines").blocking();
    return t.build();
}

inline Config config_of(std::initializer_list<std::pair<const char*, const char*>> settings) {
    Config config;
    for (const auto& [key, value] : settings) config.set(key, value);
    return config;
}

}  // namespace storm::worker

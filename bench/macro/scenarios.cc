#include "bench/macro/scenarios.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <storm/topology_builder.h>

#include "base/check.h"
#include "bench/macro/bolts.h"
#include "bench/macro/spouts.h"

namespace storm::bench {
namespace {

/// How many executors the stages of a scenario have: the spout, what is between, the last bolt.
struct Stages {
    int spouts = 1;
    int middle = 1;
    int sinks = 1;
};

constexpr Stages kWide{.spouts = 20, .middle = 80, .sinks = 100};
constexpr Stages kNarrow{.spouts = 1, .middle = 2, .sinks = 2};
constexpr int kFanOutBolts = 4;

Stages default_stages(Scenario scenario) {
    switch (scenario) {
        case Scenario::kWide:
            return kWide;
        case Scenario::kFanOut:
            return {.spouts = 1, .middle = 0, .sinks = kFanOutBolts};
        case Scenario::kConstNull:
            return {.spouts = 1, .middle = 0, .sinks = 1};
        default:
            return {};
    }
}

/// `executors` in all, in the proportions of `stages`; at least one for each stage.
Stages share_out(Stages stages, int executors) {
    const double all = stages.spouts + stages.middle + stages.sinks;
    const auto share = [&](int part) {
        if (part == 0) return 0;
        return std::max(1, static_cast<int>(std::lround(executors * part / all)));
    };
    return {.spouts = share(stages.spouts),
            .middle = share(stages.middle),
            .sinks = share(stages.sinks)};
}

Stages stages_of(const Options& options) {
    const Stages stages = default_stages(options.scenario);
    if (options.executors) return share_out(stages, *options.executors);
    if (!options.parallelism) return stages;
    const int n = *options.parallelism;
    if (options.scenario == Scenario::kFanOut) return {.spouts = 1, .middle = 0, .sinks = n};
    return {.spouts = n, .middle = stages.middle == 0 ? 0 : n, .sinks = n};
}

std::unique_ptr<Meter> make_meter(const Options& options, Stages stages, const Text* text) {
    const Load load{.acks = options.acks,
                    .rate = options.rate / stages.spouts,
                    .fail_every = options.fail_every,
                    .text = text};
    return std::make_unique<Meter>(load, static_cast<std::size_t>(stages.spouts),
                                   static_cast<std::size_t>(stages.sinks));
}

void declare_const_null(TopologyBuilder& t, Meter* meter, Stages stages) {
    t.spout<MeteredSpout<ConstantText>>("spout", meter).parallelism(stages.spouts);
    t.bolt<NullBolt>("null", meter).parallelism(stages.sinks).shuffle("spout");
}

void declare_const_id_null(TopologyBuilder& t, Meter* meter, Stages stages) {
    t.spout<MeteredSpout<ConstantText>>("spout", meter).parallelism(stages.spouts);
    t.bolt<IdBolt>("id").parallelism(stages.middle).local_or_shuffle("spout");
    t.bolt<NullBolt>("null", meter).parallelism(stages.sinks).local_or_shuffle("id");
}

void declare_word_count(TopologyBuilder& t, Meter* meter, Stages stages, bool shuffle) {
    t.spout<MeteredSpout<TextLines>>("lines", meter).parallelism(stages.spouts);
    BoltDeclarer& split = t.bolt<Split>("split").parallelism(stages.middle);
    shuffle ? split.shuffle("lines") : split.local_or_shuffle("lines");
    t.bolt<Count>("count", meter).parallelism(stages.sinks).fields("split", {"word"});
}

void declare_fan_out(TopologyBuilder& t, Meter* meter, Stages stages) {
    t.spout<MeteredSpout<ConstantText>>("spout", meter).parallelism(stages.spouts);
    t.bolt<NullBolt>("null", meter).parallelism(stages.sinks).all("spout");
}

void declare_wide(TopologyBuilder& t, Meter* meter, Stages stages) {
    t.spout<MeteredSpout<RandomNumbers>>("numbers", meter).parallelism(stages.spouts);
    t.bolt<NumberBolt>("pass").parallelism(stages.middle).fields("numbers", {"number"});
    t.bolt<NullBolt>("null", meter).parallelism(stages.sinks).fields("pass", {"number"});
}

}  // namespace

Graph make_graph(const Options& options, const Text* text) {
    const Stages stages = stages_of(options);
    std::unique_ptr<Meter> meter = make_meter(options, stages, text);
    TopologyBuilder t;
    switch (options.scenario) {
        case Scenario::kConstNull:
            declare_const_null(t, meter.get(), stages);
            break;
        case Scenario::kConstIdNull:
            declare_const_id_null(t, meter.get(), stages);
            break;
        case Scenario::kWordCount:
            declare_word_count(t, meter.get(), stages, options.shuffle_lines);
            break;
        case Scenario::kFanOut:
            declare_fan_out(t, meter.get(), stages);
            break;
        case Scenario::kWide:
            declare_wide(t, meter.get(), stages);
            break;
        case Scenario::kWordCountLoop:
        case Scenario::kIdle:
            STORM_CHECK(false, "these are put together elsewhere");
    }
    return {.meter = std::move(meter), .topology = t.build()};
}

Graph make_narrow(const Options& options) {
    std::unique_ptr<Meter> meter = make_meter(options, kNarrow, nullptr);
    TopologyBuilder t;
    declare_wide(t, meter.get(), kNarrow);
    return {.meter = std::move(meter), .topology = t.build()};
}

Graph make_idle(const Options& options, int pipe) {
    const Stages stages = stages_of(options);
    std::unique_ptr<Meter> meter = make_meter(options, stages, nullptr);
    TopologyBuilder t;
    t.spout<PipeLines>("lines", meter.get(), pipe).blocking();
    t.spout<Poller>("poller").parallelism(stages.spouts);
    t.bolt<Split>("split").parallelism(stages.middle).shuffle("lines").shuffle("poller");
    t.bolt<Count>("count", meter.get()).parallelism(stages.sinks).fields("split", {"word"});
    return {.meter = std::move(meter), .topology = t.build()};
}

}  // namespace storm::bench

// storm-starter's ExclamationTopology: adds three exclamation marks, twice.
//
//     word --shuffle--> exclaim1 --shuffle--> exclaim2 --shuffle--> print

#include <string>

#include "generated.h"

namespace {

class Exclaim final : public storm::Bolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override { outputs.stream({"word"}); }
    void execute(const storm::Tuple& input, storm::BoltCollector& out) override {
        out.emit(input, std::string(input.string(0)) + "!!!");
        out.ack(input);
    }
};

storm::Topology exclamation(const storm::Config& config) {
    storm::TopologyBuilder t;
    t.spout<starter::Generated>("word", std::vector<storm::Field>{"word"}, starter::emit_word,
                                config.int64("limit", 100), config.int64("pause_ms", 100))
        .parallelism(10);
    t.bolt<Exclaim>("exclaim1").parallelism(3).shuffle("word");
    t.bolt<Exclaim>("exclaim2").parallelism(2).shuffle("exclaim1");
    t.bolt_fn("print", {}, starter::print).shuffle("exclaim2");
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(exclamation)

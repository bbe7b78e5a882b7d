// storm-starter's WordCountTopology: counts the words of sentences.
//
//     spout --shuffle--> split --by word--> count --shuffle--> print

#include <map>
#include <sstream>
#include <string>

#include "generated.h"

namespace {

void emit_sentence(std::uint64_t number, storm::SpoutCollector& out) {
    constexpr const char* kSentences[] = {
        "the cow jumped over the moon", "an apple a day keeps the doctor away",
        "four score and seven years ago", "snow white and the seven dwarfs",
        "i am at two with nature"};
    out.emit_tracked(number, kSentences[starter::scattered(number) % std::size(kSentences)]);
}

void split_sentence(const storm::Tuple& input, storm::BasicCollector& out) {
    std::istringstream words{std::string(input.string("sentence"))};
    for (std::string word; words >> word;) out.emit(word);
}

class Count final : public storm::BasicBolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({"word", {"count", storm::Kind::kInt64}});
    }
    void execute(const storm::Tuple& input, storm::BasicCollector& out) override {
        const std::string word(input.string("word"));
        out.emit(word, ++counts_[word]);
    }

private:
    std::map<std::string, std::int64_t> counts_;
};

storm::Topology word_count(const storm::Config& config) {
    storm::TopologyBuilder t;
    t.spout<starter::Generated>("spout", std::vector<storm::Field>{"sentence"}, emit_sentence,
                                config.int64("limit", 100), config.int64("pause_ms", 100))
        .parallelism(5);
    t.bolt_fn("split", {"word"}, split_sentence).parallelism(8).shuffle("spout");
    t.bolt<Count>("count").parallelism(12).fields("split", {"word"});
    t.bolt_fn("print", {}, starter::print).shuffle("count");
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(word_count)

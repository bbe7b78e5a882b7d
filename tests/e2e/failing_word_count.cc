// word-count with a `split` that fails one line in a hundred, each time it sees one, before it has
// emitted a word of it. So the counts must come out right all the same, and every line be counted.
//
// Settings: those of word-count, and seed=N.

#include <cstdint>

#include <storm/storm.h>

#include "examples/word_count/count_words.h"
#include "examples/word_count/file_lines.h"
#include "examples/word_count/report.h"
#include "examples/word_count/settings.h"
#include "examples/word_count/split_sentence.h"

namespace {

constexpr std::uint64_t kOneIn = 100;

class FailingSplit final : public storm::BasicBolt {
public:
    explicit FailingSplit(std::int64_t seed) : seed_(static_cast<std::uint64_t>(seed)) {}

    void declare_outputs(storm::Outputs& outputs) const override {
        split_.declare_outputs(outputs);
    }
    void prepare(const storm::TaskContext& context) override {
        state_ = seed_ * 2 + static_cast<std::uint64_t>(context.index());
        failed_ = &context.counter("failed_on_purpose");
    }
    void execute(const storm::Tuple& line, storm::BasicCollector& out) override {
        if (next_random() % kOneIn == 0) {
            failed_->add();
            throw storm::FailedError("on purpose");
        }
        split_.execute(line, out);
    }

private:
    std::uint64_t next_random() {  // splitmix64
        std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15;
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
        return mixed ^ mixed >> 31;
    }

    const std::uint64_t seed_;
    word_count::SplitSentence split_;
    std::uint64_t state_ = 0;
    storm::Counter* failed_ = nullptr;
};

storm::Topology failing_word_count(const storm::Config& config) {
    const word_count::Settings settings = word_count::read_settings(config);
    storm::TopologyBuilder t;
    t.spout<word_count::FileLines>("lines", settings).tasks(1).blocking();
    t.bolt<FailingSplit>("split", config.int64("seed", 1))
        .parallelism(settings.parallelism)
        .shuffle("lines");
    t.bolt<word_count::CountWords>("count")
        .parallelism(settings.parallelism)
        .tick(storm::Milliseconds(1000))
        .fields("split", {"word"});
    t.bolt<word_count::Report>("report", settings.output)
        .tasks(1)
        .global("count")
        .global("count", "top");
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(failing_word_count)

// storm-starter's RollingTopWords: the five most frequent words of the last nine seconds, every
// three. Windows are made by hand, of ticks.
//
//     word --by word--> counter --by word--> rank --global--> total --shuffle--> print

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <string>

#include "generated.h"

namespace {

constexpr std::size_t kSlots = 3;  // Per window: it moves on by one at each tick.
constexpr std::size_t kTop = 5;

/// Counts each word over the last kSlots ticks.
class RollingCount final : public storm::BasicBolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({"word", {"count", storm::Kind::kInt64}});
    }
    void execute(const storm::Tuple& input, storm::BasicCollector& out) override {
        if (!input.is_tick()) {
            ++counts_[std::string(input.string("word"))][slot_];
            return;
        }
        emit_counts(out);
        slot_ = (slot_ + 1) % kSlots;
        for (auto& [word, slots] : counts_) slots[slot_] = 0;
    }
    void finish(storm::BasicCollector& out) override { emit_counts(out); }

private:
    void emit_counts(storm::BasicCollector& out) {
        for (auto word = counts_.begin(); word != counts_.end();) {
            const auto& slots = word->second;
            const std::int64_t count = std::accumulate(slots.begin(), slots.end(), std::int64_t{0});
            out.emit(word->first, count);  // 0 once, so that those who rank forget it.
            word = count == 0 ? counts_.erase(word) : std::next(word);
        }
    }

    std::map<std::string, std::array<std::int64_t, kSlots>> counts_;
    std::size_t slot_ = 0;
};

/// Ranks what it gets, words with their counts or lists of these; emits the first kTop each tick.
class Rank final : public storm::BasicBolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({{"ranking", storm::Kind::kList}});
    }
    void execute(const storm::Tuple& input, storm::BasicCollector& out) override {
        if (input.is_tick()) {
            emit_ranking(out);
        } else if (input.has("ranking")) {
            const storm::Value ranking = input.value("ranking");  // Must outlive the loop.
            for (const storm::Value& entry : ranking.list()) {
                counts_[entry.list().at(0).string()] = entry.list().at(1).int64();
            }
        } else {
            counts_[std::string(input.string("word"))] = input.int64("count");
        }
    }
    void finish(storm::BasicCollector& out) override { emit_ranking(out); }

private:
    void emit_ranking(storm::BasicCollector& out) {
        std::vector<std::pair<std::int64_t, std::string>> ranking;
        for (const auto& [word, count] : counts_) ranking.emplace_back(-count, word);
        std::sort(ranking.begin(), ranking.end());
        storm::Value::List list;
        for (const auto& [count, word] : ranking) {
            // Those with 0 go along, so that the next one forgets them, too.
            if (list.size() < kTop || count == 0) list.push_back(storm::Value::List{word, -count});
        }
        std::erase_if(counts_, [](const auto& entry) { return entry.second == 0; });
        if (!list.empty()) out.emit(list);
    }

    std::map<std::string, std::int64_t> counts_;
};

void print_ranking(const storm::Tuple& input, storm::BasicCollector&) {
    std::string line;
    const storm::Value ranking = input.value("ranking");
    for (const storm::Value& entry : ranking.list()) {
        const std::int64_t count = entry.list().at(1).int64();
        if (count == 0) continue;
        line +=
            (line.empty() ? "" : "  ") + entry.list().at(0).string() + ' ' + std::to_string(count);
    }
    std::cout << line + '\n';
}

storm::Topology rolling_top_words(const storm::Config& config) {
    const storm::Milliseconds slot(config.int64("slot_ms", 3000));
    storm::TopologyBuilder t;
    t.spout<starter::Generated>("word", std::vector<storm::Field>{"word"}, starter::emit_word,
                                config.int64("limit", 200), config.int64("pause_ms", 100))
        .parallelism(5);
    t.bolt<RollingCount>("counter").parallelism(4).tick(slot).fields("word", {"word"});
    t.bolt<Rank>("rank").parallelism(4).tick(slot / 2).fields("counter", {"word"});
    t.bolt<Rank>("total").tick(slot / 2).global("rank");
    t.bolt_fn("print", {}, print_ranking).shuffle("total");
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(rolling_top_words)

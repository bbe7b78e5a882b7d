// The topology of the README: who said how many words?
//
//     printf 'ann: hello there\nbob: hi\n' | quick-start
#include <iostream>
#include <map>
#include <string>

#include <storm/storm.h>

namespace {

class StandardInput final : public storm::Spout {
public:
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({"name", "text"});
    }
    storm::Next next_tuple(storm::SpoutCollector& out) override {
        std::string line;
        if (!std::getline(std::cin, line)) {
            out.finished();
            return storm::Next::kIdle;
        }
        const std::size_t colon = line.find(':');
        if (colon != std::string::npos) out.emit(line.substr(0, colon), line.substr(colon + 1));
        return storm::Next::kEmitted;
    }
};

class SumByName final : public storm::BasicBolt {
public:
    void execute(const storm::Tuple& input, storm::BasicCollector&) override {
        sums_[std::string(input.string("name"))] += input.int64("words");
    }
    void finish(storm::BasicCollector&) override {
        for (const auto& [name, sum] : sums_) std::cout << name << ' ' + std::to_string(sum) + '\n';
    }

private:
    std::map<std::string, std::int64_t> sums_;  // Each task has its own: no lock.
};

std::int64_t count_words(std::string_view text) {
    std::int64_t words = 0;
    bool inside = false;
    for (const char c : text) {
        words += !inside && c != ' ' ? 1 : 0;
        inside = c != ' ';
    }
    return words;
}

storm::Topology who_said_how_much(const storm::Config&) {
    storm::TopologyBuilder t;
    t.spout<StandardInput>("lines").blocking();
    t.bolt_fn("words", {"name", {"words", storm::Kind::kInt64}},
              [](const storm::Tuple& in, storm::BasicCollector& out) {
                  out.emit(in.string("name"), count_words(in.string("text")));
              })
        .parallelism(2)
        .shuffle("lines");
    t.bolt<SumByName>("sums").parallelism(2).fields("words", {"name"});
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(who_said_how_much)

// The topology of the README: counts the words of standard input.
//
//     printf 'to be or not\nto be\n' | quick-start

#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <storm/storm.h>

namespace {

// A spout is where tuples come from. This one emits each line with an id, so the line is tracked:
// ack(id) follows when all that came of it is done, else fail(id), and it is emitted again.
class Lines final : public storm::Spout {
public:
    void declare_outputs(storm::Outputs& outputs) const override { outputs.stream({"line"}); }
    storm::Next next_tuple(storm::SpoutCollector& out) override {
        storm::MessageId id = next_id_;
        std::string line;
        if (!failed_.empty()) {
            id = failed_.back();
            failed_.pop_back();
        } else if (std::getline(std::cin, line)) {
            pending_[next_id_++] = line;
        } else {
            out.finished();
            return storm::Next::kIdle;
        }
        out.emit_tracked(id, pending_[id]);
        return storm::Next::kEmitted;
    }
    void ack(storm::MessageId id) override { pending_.erase(id); }
    void fail(storm::MessageId id, storm::FailReason) override { failed_.push_back(id); }

private:
    storm::MessageId next_id_ = 0;
    std::map<storm::MessageId, std::string> pending_;
    std::vector<storm::MessageId> failed_;
};

// A bolt gets tuples. Each of its tasks is an object of its own, so it needs no lock.
class Count final : public storm::BasicBolt {
public:
    void execute(const storm::Tuple& input, storm::BasicCollector&) override {
        ++counts_[std::string(input.string("word"))];
    }
    void finish(storm::BasicCollector&) override {  // No more will come.
        for (const auto& [word, count] : counts_) {
            std::cout << std::to_string(count) + ' ' + word + '\n';
        }
    }

private:
    std::map<std::string, int> counts_;
};

storm::Topology quick_start(const storm::Config&) {
    storm::TopologyBuilder t;
    t.spout<Lines>("lines").blocking();  // It waits for input, so it gets a thread of its own.
    t.bolt_fn("split", {"word"},
              [](const storm::Tuple& input, storm::BasicCollector& out) {
                  std::istringstream words{std::string(input.string("line"))};
                  for (std::string word; words >> word;) out.emit(word);
              })
        .parallelism(2)
        .shuffle("lines");
    t.bolt<Count>("count").parallelism(2).fields("split", {"word"});  // Equal words, one task.
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(quick_start)

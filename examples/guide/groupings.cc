// All groupings, for docs/guide.md. Prints for each bolt how many tuples each of its tasks got.
//
//     guide-groupings -c limit=1000

#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <storm/storm.h>

namespace {

constexpr int kTasks = 3;

class Numbers final : public storm::Spout {
public:
    explicit Numbers(std::int64_t limit) : limit_(limit) {}
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({{"number", storm::Kind::kInt64}, "key"});
    }
    storm::Next next_tuple(storm::SpoutCollector& out) override {
        if (next_ == limit_) {
            out.finished();
            return storm::Next::kIdle;
        }
        out.emit(next_, "key " + std::to_string(next_ % 5));  // Untracked: at most once.
        ++next_;
        return storm::Next::kEmitted;
    }

private:
    const std::int64_t limit_;
    std::int64_t next_ = 0;
};

/// Numbers below 100 go to the first task, all others to the last.
class BySize final : public storm::Grouping {
public:
    void prepare(const storm::TaskContext&, std::span<const storm::TaskId> targets) override {
        targets_.assign(targets.begin(), targets.end());
    }
    void choose(const storm::Tuple& tuple, std::vector<storm::TaskId>& chosen) override {
        chosen.push_back(tuple.int64("number") < 100 ? targets_.front() : targets_.back());
    }

private:
    std::vector<storm::TaskId> targets_;
};

/// Names the task itself: its stream is declared direct.
class Dispatch final : public storm::BasicBolt {
public:
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream("jobs", {"number"}, true);
    }
    void prepare(const storm::TaskContext& context) override {
        workers_ = context.tasks_of("direct");
    }
    void execute(const storm::Tuple& input, storm::BasicCollector& out) override {
        const auto number = static_cast<std::size_t>(input.int64("number"));
        out.on("jobs").to(workers_[number % workers_.size()]).emit(input.int64("number"));
    }

private:
    std::vector<storm::TaskId> workers_;
};

class Tally final : public storm::BasicBolt {
public:
    void prepare(const storm::TaskContext& context) override {
        name_ = std::string(context.component()) + ' ' + std::to_string(context.index());
    }
    void execute(const storm::Tuple&, storm::BasicCollector&) override { ++got_; }
    void finish(storm::BasicCollector&) override {
        std::cout << name_ + ": " + std::to_string(got_) + '\n';
    }

private:
    std::string name_;
    std::int64_t got_ = 0;
};

storm::Topology groupings(const storm::Config& config) {
    storm::TopologyBuilder t;
    t.spout<Numbers>("numbers", config.int64("limit", 1000));
    t.bolt<Dispatch>("dispatch").shuffle("numbers");

    t.bolt<Tally>("shuffle").parallelism(kTasks).shuffle("numbers");
    t.bolt<Tally>("fields").parallelism(kTasks).fields("numbers", {"key"});
    t.bolt<Tally>("partial_key").parallelism(kTasks).partial_key("numbers", {"key"});
    t.bolt<Tally>("all").parallelism(kTasks).all("numbers");
    t.bolt<Tally>("global").parallelism(kTasks).global("numbers");
    t.bolt<Tally>("none").parallelism(kTasks).none("numbers");
    t.bolt<Tally>("local_or_shuffle").parallelism(kTasks).local_or_shuffle("numbers");
    t.bolt<Tally>("direct").parallelism(kTasks).direct("dispatch", "jobs");
    t.bolt<Tally>("custom").parallelism(kTasks).custom("numbers",
                                                       [] { return std::make_unique<BySize>(); });
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(groupings)

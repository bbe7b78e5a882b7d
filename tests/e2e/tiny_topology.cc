// A topology that ends in every way that one can: -c mode=…
//
//     finish    emits 1000 numbers, and has finished when they are acked
//     endless   emits until it is stopped
//     keep      emits until it is stopped, and the first 10 tuples are never acked
//     hang      a bolt does not return
//     open      the spout cannot be opened
//     mistake   the topology subscribes to what is not there
//     crash     a bolt ends the process
//     silent    emits nothing, untracked, until it is stopped

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <storm/storm.h>
#include <unistd.h>

namespace {

constexpr std::uint64_t kNumbers = 1000;
constexpr std::uint64_t kKept = 10;

class Numbers final : public storm::Spout {
public:
    explicit Numbers(std::string mode) : mode_(std::move(mode)) {}

    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({{"number", storm::Kind::kInt64}});
    }
    void open(const storm::TaskContext& context, storm::SpoutCollector&) override {
        if (mode_ == "open") throw std::runtime_error("no numbers today");
        acked_ = &context.counter("numbers_acked");
        context.set_status("counting\non");
    }
    storm::Next next_tuple(storm::SpoutCollector& out) override {
        if (mode_ == "silent") return storm::Next::kIdle;
        if (mode_ == "finish" && next_ == kNumbers) {
            out.finished();
            return storm::Next::kIdle;
        }
        out.emit_tracked(next_, next_);
        ++next_;
        return storm::Next::kEmitted;
    }
    void ack(storm::MessageId) override { acked_->add(); }

private:
    const std::string mode_;
    std::uint64_t next_ = 0;
    storm::Counter* acked_ = nullptr;
};

class Sink final : public storm::Bolt {
public:
    explicit Sink(std::string mode) : mode_(std::move(mode)) {}

    void execute(const storm::Tuple& number, storm::BoltCollector& out) override {
        while (mode_ == "hang") pause();
        if (mode_ == "crash") std::abort();
        if (mode_ == "keep" && kept_.size() < kKept) {
            kept_.push_back(out.keep(number));
        } else {
            out.ack(number);
        }
    }

private:
    const std::string mode_;
    std::vector<storm::Kept> kept_;
};

storm::Topology tiny_topology(const storm::Config& config) {
    const std::string mode = config.string("mode");
    storm::TopologyBuilder t;
    t.spout<Numbers>("numbers", mode);
    t.bolt<Sink>("sink", mode).shuffle(mode == "mistake" ? "number" : "numbers");
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(tiny_topology)

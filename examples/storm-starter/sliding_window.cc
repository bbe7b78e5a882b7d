// storm-starter's SlidingWindowTopology: the sum of the last 30 numbers after every 10, and the
// average of every 3 sums. The library has no windows yet; CountWindow makes them of kept tuples.
//
//     integer --shuffle--> slidingsum --shuffle--> tumblingavg --shuffle--> print

#include <deque>
#include <utility>

#include "generated.h"

namespace {

/// Calls window() with the last `length` tuples after every `slide`. A tuple is acked once no
/// window will hold it any more; until then it comes again if this bolt's worker dies.
class CountWindow : public storm::Bolt {
public:
    CountWindow(std::size_t length, std::size_t slide) : length_(length), slide_(slide) {}

    void execute(const storm::Tuple& input, storm::BoltCollector& out) final {
        kept_.push_back(out.keep(input));
        if (++fresh_ == slide_) show_window(out);
    }
    /// The last window need not be full: nothing more will come to fill it.
    void inputs_ended(storm::BoltCollector& out) final {
        if (fresh_ > 0) show_window(out);
        for (; !kept_.empty(); kept_.pop_front()) out.ack(std::move(kept_.front()));
    }

protected:
    using Tuples = std::vector<const storm::Tuple*>;
    /// Its output should be anchored to all of `tuples`.
    virtual void window(const Tuples& tuples, storm::BoltCollector& out) = 0;

private:
    void show_window(storm::BoltCollector& out) {
        Tuples tuples;
        for (const storm::Kept& kept : kept_) tuples.push_back(&kept.tuple());
        window(tuples, out);
        fresh_ = 0;
        while (kept_.size() + slide_ > length_ && !kept_.empty()) {
            out.ack(std::move(kept_.front()));
            kept_.pop_front();
        }
    }

    const std::size_t length_;
    const std::size_t slide_;
    std::deque<storm::Kept> kept_;
    std::size_t fresh_ = 0;  // Since the last window.
};

std::int64_t sum_of(const std::vector<const storm::Tuple*>& tuples) {
    std::int64_t sum = 0;
    for (const storm::Tuple* const tuple : tuples) sum += tuple->int64(0);
    return sum;
}

class SlidingSum final : public CountWindow {
public:
    SlidingSum() : CountWindow(30, 10) {}
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({{"sum", storm::Kind::kInt64}});
    }

private:
    void window(const Tuples& tuples, storm::BoltCollector& out) override {
        out.emit(tuples, sum_of(tuples));
    }
};

class TumblingAverage final : public CountWindow {
public:
    TumblingAverage() : CountWindow(3, 3) {}
    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({{"avg", storm::Kind::kInt64}});
    }

private:
    void window(const Tuples& tuples, storm::BoltCollector& out) override {
        out.emit(tuples, sum_of(tuples) / static_cast<std::int64_t>(tuples.size()));
    }
};

void emit_integer(std::uint64_t number, storm::SpoutCollector& out) {
    out.emit_tracked(number, starter::scattered(number) % 1000);
}

storm::Topology sliding_window(const storm::Config& config) {
    storm::TopologyBuilder t;
    t.spout<starter::Generated>(
        "integer", std::vector<storm::Field>{{"value", storm::Kind::kInt64}}, emit_integer,
        config.int64("limit", 100), config.int64("pause_ms", 100));
    t.bolt<SlidingSum>("slidingsum").shuffle("integer");
    t.bolt<TumblingAverage>("tumblingavg").shuffle("slidingsum");
    t.bolt_fn("print", {}, starter::print).shuffle("tumblingavg");
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(sliding_window)

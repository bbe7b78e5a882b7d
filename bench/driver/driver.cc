// storm-driver: a topology whose messages can be accounted for, for tools/faults.sh and
// tools/cluster-bench.sh.
//
//     source --shuffle--> relay --by part--> sink        each message becomes `fan` tuples
//
// Messages are numbers from 0 on. Each task of `source` writes down, in -c state=DIR, up to where
// all of its messages are acked; when it is started anew it goes on from there. So a message is the
// same one in every life, and none may be missing in the end.
//
//     -c count=N     messages of each task of source; 0 (default): without end
//     -c rate=N      messages/s of each task; 0 (default): as many as fit
//     -c fan=N       1
//     -c sources=N, -c relays=N, -c sinks=N      executors; 1
//     -c sink=MODE   count (default); fail, throw: one of 100 executions; prepare: prepare()
//     throws;
//                    segv: after 1000 executions
//
//     DIR/source-<task index>       "<all below it are acked>"
//     DIR/source-<index>.log        "<us> <all below are acked> <next> <failed>", every 5 ms
//     DIR/sink-<index>.log          "<us> <when it was emitted, us>", for one tuple in each ms
//
// Times are of the steady clock, which all processes of a machine share.

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <storm/storm.h>

namespace {

constexpr std::int64_t kNoteMicros = 5'000;
constexpr int kEmitsPerCall = 16;
constexpr std::uint64_t kOddEvery = 100;
constexpr std::uint64_t kExecutionsBeforeCrash = 1'000;
constexpr std::int64_t kSinkNoteMicros = 1'000;
constexpr int kSinkNotesMax = 600'000;

std::int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

class Source final : public storm::Spout {
public:
    Source(std::string folder, std::uint64_t count, std::uint64_t rate)
        : folder_(std::move(folder)), count_(count), rate_(rate) {}

    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({{"id", storm::Kind::kInt64}, {"emitted_us", storm::Kind::kInt64}});
    }
    void open(const storm::TaskContext& context, storm::SpoutCollector&) override {
        path_ = folder_ + "/source-" + std::to_string(context.index());
        std::ifstream(path_) >> acked_below_;
        first_ = next_ = acked_below_;
        log_.open(path_ + ".log", std::ios::app);
        log_ << '\n';  // The last line of a former life may be cut off.
        started_us_ = now_us();
    }
    storm::Next next_tuple(storm::SpoutCollector& out) override {
        const std::int64_t now = now_us();
        if (now - noted_us_ >= kNoteMicros) note(now);
        int emitted = 0;
        for (; emitted < kEmitsPerCall && !again_.empty(); ++emitted) {
            emit(again_.front(), now, out);
            again_.pop_front();
        }
        for (; emitted < kEmitsPerCall && may_emit(now); ++emitted) {
            pending_.push_back(true);
            emit(next_++, now, out);
        }
        if (emitted > 0) return storm::Next::kEmitted;
        if (!finished_ && count_ > 0 && acked_below_ == count_) {
            finished_ = true;
            note(now);
            out.finished();
        }
        return storm::Next::kIdle;
    }
    void ack(storm::MessageId id) override {
        pending_[id - acked_below_] = false;
        while (!pending_.empty() && !pending_.front()) {
            pending_.pop_front();
            ++acked_below_;
        }
    }
    void fail(storm::MessageId id, storm::FailReason) override {
        ++failed_;
        again_.push_back(id);
    }
    void close() override { note(now_us()); }

private:
    bool may_emit(std::int64_t now) const {
        if (count_ > 0 && next_ >= count_) return false;
        if (rate_ == 0) return true;
        const auto due = static_cast<std::uint64_t>(now - started_us_) * rate_ / 1'000'000;
        return next_ - first_ < due;
    }
    static void emit(std::uint64_t id, std::int64_t now, storm::SpoutCollector& out) {
        out.emit_tracked(id, static_cast<std::int64_t>(id), now);
    }
    void note(std::int64_t now) {
        noted_us_ = now;
        log_ << now << ' ' << acked_below_ << ' ' << next_ << ' ' << failed_ << '\n' << std::flush;
        std::ofstream(path_ + ".new") << acked_below_ << '\n';
        std::rename((path_ + ".new").c_str(), path_.c_str());
    }

    const std::string folder_;
    const std::uint64_t count_;
    const std::uint64_t rate_;
    std::string path_;
    std::ofstream log_;
    std::int64_t started_us_ = 0, noted_us_ = 0;
    std::uint64_t first_ = 0, next_ = 0, acked_below_ = 0, failed_ = 0;
    std::deque<bool> pending_;  // One flag per message, from acked_below_ on.
    std::deque<std::uint64_t> again_;
    bool finished_ = false;
};

class Relay final : public storm::BasicBolt {
public:
    explicit Relay(std::int64_t fan) : fan_(fan) {}

    void declare_outputs(storm::Outputs& outputs) const override {
        outputs.stream({{"id", storm::Kind::kInt64},
                        {"part", storm::Kind::kInt64},
                        {"emitted_us", storm::Kind::kInt64}});
    }
    void execute(const storm::Tuple& in, storm::BasicCollector& out) override {
        const std::int64_t id = in.int64(0), emitted_us = in.int64(1);
        for (std::int64_t part = 0; part < fan_; ++part) out.emit(id, id + part, emitted_us);
    }

private:
    const std::int64_t fan_;
};

class Sink final : public storm::BasicBolt {
public:
    Sink(std::string folder, std::string mode)
        : folder_(std::move(folder)), mode_(std::move(mode)) {}

    void declare_outputs(storm::Outputs&) const override {}
    void prepare(const storm::TaskContext& context) override {
        if (mode_ == "prepare") throw std::runtime_error("sink=prepare was asked for");
        log_.open(folder_ + "/sink-" + std::to_string(context.index()) + ".log", std::ios::app);
        log_ << '\n';
    }
    void execute(const storm::Tuple& in, storm::BasicCollector&) override {
        note(in.int64(2));
        ++executed_;
        if (mode_ == "segv" && executed_ == kExecutionsBeforeCrash) std::raise(SIGSEGV);
        if (executed_ % kOddEvery != 0) return;
        if (mode_ == "throw") throw std::runtime_error("sink=throw was asked for");
        if (mode_ == "fail") throw storm::FailedError("sink=fail was asked for");
    }

private:
    void note(std::int64_t emitted_us) {
        if (emitted_us < noted_us_ + kSinkNoteMicros || notes_ == kSinkNotesMax) return;
        noted_us_ = emitted_us;
        ++notes_;
        log_ << now_us() << ' ' << emitted_us << '\n' << std::flush;
    }

    const std::string folder_;
    const std::string mode_;
    std::ofstream log_;
    std::int64_t noted_us_ = 0;
    int notes_ = 0;
    std::uint64_t executed_ = 0;
};

storm::Topology driver(const storm::Config& config) {
    const std::string folder = config.string("state");
    const auto count = static_cast<std::uint64_t>(config.int64("count", 0));
    const auto rate = static_cast<std::uint64_t>(config.int64("rate", 0));
    const auto executors = [&config](const char* key) {
        return static_cast<int>(config.int64(key, 1));
    };
    storm::TopologyBuilder t;
    t.spout<Source>("source", folder, count, rate).parallelism(executors("sources"));
    t.bolt<Relay>("relay", config.int64("fan", 1))
        .parallelism(executors("relays"))
        .shuffle("source");
    t.bolt<Sink>("sink", folder, config.string("sink", "count"))
        .parallelism(executors("sinks"))
        .fields("relay", {"part"});
    return t.build();
}

}  // namespace

STORM_TOPOLOGY_MAIN(driver)

// Goal:   user code that holds its loop without having said so holds up nobody else for long, and
//         loses nothing when its executor is taken out of the loop.
// Method: components that sleep, or wait at a gate, among others that do not, on one, two and three
//         loops. What does not end in time has hung.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/storm.h>

#include "tests/support/any_topology.h"

namespace storm::testing {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

void swallow(const Tuple&, BasicCollector&) {}
const Streams kNoStreams;
const Streams kN = default_stream({{"n", Kind::kInt64}});

class EngineStall : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }

    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
};

INSTANTIATE_TEST_SUITE_P(Threads, EngineStall,
                         ::testing::Values(Threads{1, false}, Threads{2, false}, Threads{3, false}),
                         name_of);

/// How long tuples took from emit to ack. Used by one task; read after the end.
class Latencies {
public:
    void add(microseconds latency) {
        const std::lock_guard lock(mutex_);
        latencies_.push_back(latency);
    }
    void forget() {
        const std::lock_guard lock(mutex_);
        latencies_.clear();
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return latencies_.size();
    }
    microseconds quantile(double q) {
        const std::lock_guard lock(mutex_);
        if (latencies_.empty()) return {};
        std::sort(latencies_.begin(), latencies_.end());
        const auto last = static_cast<double>(latencies_.size() - 1);
        return latencies_[static_cast<std::size_t>(q * last)];
    }

private:
    std::mutex mutex_;
    std::vector<microseconds> latencies_;
};

/// Emits one tracked tuple at a time, and notes how long it took; pauses for 1 ms in between.
SpoutScript pings(std::shared_ptr<Latencies> latencies) {
    struct Ping {
        steady_clock::time_point sent;
        std::int64_t n = 0;
        bool pending = false;
    };
    const auto ping = std::make_shared<Ping>();
    return {.next =
                [ping](SpoutCollector& out) {
                    const auto now = steady_clock::now();
                    if (ping->pending || now - ping->sent < milliseconds(1)) return Next::kIdle;
                    ping->sent = now;
                    ping->pending = true;
                    out.emit_tracked(1, ping->n++);
                    return Next::kEmitted;
                },
            .open = {},
            .ack =
                [ping, latencies](MessageId) {
                    ping->pending = false;
                    latencies->add(
                        std::chrono::duration_cast<microseconds>(steady_clock::now() - ping->sent));
                }};
}

TEST_P(EngineStall, ABoltThatSleepsUndeclaredDelaysNoNeighbourAfterTheFirstSecond) {
    // 200 executors; one of them sleeps for 100 ms for each of its tuples.
    const auto latencies = std::make_shared<Latencies>();
    const auto slept = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("endless", kN,
                      SpoutScript{.next =
                                      [](SpoutCollector& out) {
                                          out.emit(1);
                                          return Next::kEmitted;
                                      }})
        .set("topology.max.spout.pending", "1");
    t.bolt_fn("sleeper", {}, [slept](const Tuple&, BasicCollector&) {
         std::this_thread::sleep_for(milliseconds(100));
         slept->fetch_add(1);
     }).shuffle("endless");
    t.spout<AnySpout>("pings", kN, pings(latencies));
    t.bolt_fn("a", {{"n", Kind::kInt64}},
              [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0)); })
        .parallelism(98)
        .shuffle("pings");
    t.bolt_fn("b", {}, swallow).parallelism(99).shuffle("a");
    Running run(t, config());
    std::this_thread::sleep_for(milliseconds(1'000));
    latencies->forget();
    slept->store(0);

    std::this_thread::sleep_for(milliseconds(1'500));

    EXPECT_GE(latencies->count(), kSanitized ? 10 : 150);
    EXPECT_LE(latencies->quantile(0.99).count(), (kSanitized ? 100 : 20) * 1'000);
    EXPECT_GE(slept->load(), 8) << "the one that sleeps goes on, too";
    EXPECT_LE(slept->load(), 16);
    ASSERT_TRUE(run.stop());
}

TEST_P(EngineStall, ASpoutThatSleepsUndeclaredDelaysNoNeighbourAfterTheFirstSecond) {
    const auto latencies = std::make_shared<Latencies>();
    const auto told = outcomes;
    t.spout<AnySpout>("sleeper", kN,
                      SpoutScript{.next =
                                      [n = 0](SpoutCollector& out) mutable {
                                          std::this_thread::sleep_for(milliseconds(60));
                                          out.emit_tracked(static_cast<MessageId>(n), n);
                                          ++n;
                                          return Next::kEmitted;
                                      },
                                  .open = {},
                                  .ack = [told](MessageId id) { told->ack(id); }});
    t.spout<AnySpout>("pings", kN, pings(latencies));
    t.bolt_fn("sink", {}, swallow).parallelism(3).shuffle("pings").shuffle("sleeper");
    Running run(t, config());
    std::this_thread::sleep_for(milliseconds(1'000));
    latencies->forget();

    std::this_thread::sleep_for(milliseconds(1'000));

    EXPECT_LE(latencies->quantile(0.99).count(), (kSanitized ? 100 : 20) * 1'000);
    EXPECT_GE(latencies->count(), kSanitized ? 10 : 80);
    EXPECT_GE(outcomes->acked(), 15);
    run.engine().drain();
    ASSERT_TRUE(run.finishes());
}

TEST_P(EngineStall, AnExecutorThatWasTakenOutStillTicks) {
    const auto ticks = std::make_shared<std::atomic<int>>(0);
    const auto slept = std::make_shared<std::atomic<bool>>(false);
    t.spout<AnySpout>("once", kN, SpoutScript{.next = [sent = false](SpoutCollector& out) mutable {
                          if (sent) return Next::kIdle;
                          sent = true;
                          out.emit(1);
                          return Next::kEmitted;
                      }});
    t.bolt_fn("bolt", {},
              [=](const Tuple& in, BasicCollector&) {
                  if (in.is_tick()) {
                      ticks->fetch_add(1);
                  } else {
                      std::this_thread::sleep_for(milliseconds(60));
                      slept->store(true);
                  }
              })
        .tick(milliseconds(400))
        .shuffle("once");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).shuffle("once");
    Running run(t, config());

    ASSERT_TRUE(eventually([&] { return slept->load(); }));

    EXPECT_TRUE(eventually([&] { return ticks->load() >= 3; }, milliseconds(3'000)));
}

TEST_P(EngineStall, ATupleThatATakenOutSpoutEmittedStillTimesOut) {
    const auto told = outcomes;
    t.spout<AnySpout>(
        "once", kN,
        SpoutScript{.next =
                        [sent = false](SpoutCollector& out) mutable {
                            if (sent) return Next::kIdle;
                            sent = true;
                            out.emit_tracked(1, 1);
                            std::this_thread::sleep_for(milliseconds(60));
                            out.finished();
                            return Next::kIdle;
                        },
                    .open = {},
                    .ack = [told](MessageId id) { told->ack(id); },
                    .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }});
    t.bolt<AnyBolt>(
         "keeper", kNoStreams,
         BoltScript{.execute = [kept = std::make_shared<Kept>()](
                                   const Tuple& in, BoltCollector& out) { *kept = out.keep(in); }})
        .shuffle("once");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).all("once");

    Running run(t, config({{"topology.message.timeout.secs", "1"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kTimedOut), 1);
    EXPECT_EQ(outcomes->settled(), 1);
}

TEST_P(EngineStall, TuplesThatManyTakenOutExecutorsHandleAreAllAcked) {
    constexpr std::int64_t kCount = 3'000;
    const auto seen = std::make_shared<Tally>(kCount);
    const auto pass = [](const Tuple& in, BasicCollector& out) {
        if (in.int64(0) % 97 == 0) std::this_thread::sleep_for(milliseconds(35));
        out.emit(in.int64(0));
    };
    t.spout<Numbers>("numbers", kCount, outcomes).parallelism(2);
    t.bolt_fn("a", {{"n", Kind::kInt64}}, pass).parallelism(3).shuffle("numbers");
    t.bolt_fn("b", {{"n", Kind::kInt64}}, pass).parallelism(3).tasks(6).fields("a", {"n"});
    t.bolt_fn("sink", {}, [seen](const Tuple& in, BasicCollector&) { seen->add(in.int64(0)); })
        .parallelism(3)
        .none("b");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_TRUE(run.empties());
}

TEST_P(EngineStall, ACycleWhoseMembersAreTakenOutEnds) {
    constexpr std::int64_t kCount = 300;
    const auto executed = std::make_shared<Tally>(kCount);
    const auto nap = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt_fn("enter", {"n", "left"}, [](const Tuple& in, BasicCollector& out) {
         out.emit(in.int64(0), 6);
     }).shuffle("numbers");
    const auto hop = [executed, nap](const Tuple& in, BasicCollector& out) {
        executed->add(in.int64(0));
        if (nap->fetch_add(1) % 400 == 399) std::this_thread::sleep_for(milliseconds(35));
        if (in.int64(1) > 0) out.emit(in.int64(0), in.int64(1) - 1);
    };
    t.bolt_fn("left", {"n", "left"}, hop).parallelism(2).shuffle("enter").shuffle("right");
    t.bolt_fn("right", {"n", "left"}, hop).parallelism(2).shuffle("left");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(executed->all_are(7));
    EXPECT_EQ(outcomes->acked(), kCount);
}

TEST_P(EngineStall, ATakenOutBoltEmitsMoreThanItsCreditWithoutLoss) {
    constexpr std::int64_t kCount = 10;
    constexpr std::int64_t kEach = 3'000;
    const auto seen = std::make_shared<Tally>(kCount);
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt_fn("burst", {"n", "text"}, [](const Tuple& in, BasicCollector& out) {
         std::this_thread::sleep_for(milliseconds(40));
         for (std::int64_t i = 0; i < kEach; ++i) out.emit(in.int64(0), std::string(400, 'x'));
     }).shuffle("numbers");
    t.bolt_fn("sink", {}, [seen](const Tuple& in, BasicCollector&) { seen->add(in.int64(0)); })
        .parallelism(3)
        .shuffle("burst");

    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(kEach));
    EXPECT_EQ(outcomes->acked(), kCount);
}

TEST_P(EngineStall, PostsAndKeptTuplesReachABoltThatWasTakenOut) {
    constexpr std::int64_t kCount = 200;
    struct Later {
        std::mutex mutex;
        std::vector<std::function<void()>> calls;
    };
    const auto later = std::make_shared<Later>();
    class Keeper final : public Bolt {
    public:
        explicit Keeper(std::shared_ptr<Later> later) : later_(std::move(later)) {}
        void prepare(const TaskContext& context, BoltCollector& out) override {
            context_.emplace(context);
            out_.emplace(out);
        }
        void execute(const Tuple& in, BoltCollector& out) override {
            if (in.int64(0) % 20 == 0) std::this_thread::sleep_for(milliseconds(30));
            const auto kept = std::make_shared<Kept>(out.keep(in));
            const std::lock_guard lock(later_->mutex);
            later_->calls.emplace_back([this, kept, context = *context_] {
                context.post([this, kept] { out_->ack(std::move(*kept)); });
            });
        }

    private:
        const std::shared_ptr<Later> later_;
        std::optional<TaskContext> context_;
        std::optional<BoltCollector> out_;
    };
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt<Keeper>("keeper", later).parallelism(2).shuffle("numbers");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).shuffle("numbers");
    Running run(t, config());

    std::jthread other([&later](std::stop_token stop) {
        while (!stop.stop_requested()) {
            std::vector<std::function<void()>> calls;
            {
                const std::lock_guard lock(later->mutex);
                calls.swap(later->calls);
            }
            for (const auto& call : calls) call();
            std::this_thread::sleep_for(milliseconds(1));
        }
    });

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
}

TEST_P(EngineStall, StopSaysWhenUserCodeDoesNotReturn) {
    const auto go = std::make_shared<std::atomic<bool>>(false);
    const auto in_it = std::make_shared<std::atomic<bool>>(false);
    t.spout<Numbers>("numbers", 10, outcomes);
    t.bolt_fn("stuck", {}, [=](const Tuple&, BasicCollector&) {
         in_it->store(true);
         while (!go->load()) std::this_thread::sleep_for(milliseconds(1));
     }).shuffle("numbers");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).shuffle("numbers");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return in_it->load(); }));

    EXPECT_FALSE(run.engine().stop(100 * base::kMicrosPerMilli));
    go->store(true);

    EXPECT_TRUE(run.stop());
}

}  // namespace
}  // namespace storm::testing

// Goal:   a bolt that lags behind spends its time on tuples that somebody still waits for: what has
//         timed out in front of it is not executed, and nothing else is left out.
// Method: bolts that sleep once for longer than the timeout, with tuples behind, tracked and not,
//         with timeouts and without, on one, two and three loops and with a thread for each
//         executor.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
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

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int64_t kCount = 300;
constexpr std::int64_t kMany = 20'000;
const Streams kN = default_stream({{"n", Kind::kInt64}});

std::int64_t now_ms() {
    return std::chrono::duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

/// Emits (n, when in ms), tracked, again and again until it is acked.
class Persistent final : public Spout {
public:
    explicit Persistent(std::shared_ptr<Outcomes> outcomes) : outcomes_(std::move(outcomes)) {}
    void declare_outputs(Outputs& outputs) const override {
        outputs.stream({{"n", Kind::kInt64}, {"when", Kind::kInt64}});
    }
    Next next_tuple(SpoutCollector& out) override {
        std::int64_t n = next_;
        if (!again_.empty()) {
            n = again_.back();
            again_.pop_back();
        } else if (next_ < kMany) {
            ++next_;
        } else {
            out.finished();
            return Next::kIdle;
        }
        out.emit_tracked(static_cast<MessageId>(n), n, now_ms());
        return Next::kEmitted;
    }
    void ack(MessageId id) override { outcomes_->ack(id); }
    void fail(MessageId id, FailReason reason) override {
        outcomes_->fail(id, reason);
        again_.push_back(static_cast<std::int64_t>(id));
    }

private:
    const std::shared_ptr<Outcomes> outcomes_;
    std::int64_t next_ = 0;
    std::vector<std::int64_t> again_;
};

class EngineExpiry : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }
    /// Sleeps for that long at its first tuple.
    auto sleep_once(milliseconds time) {
        return [seen = seen, time, slept = false](const Tuple& in, BasicCollector&) mutable {
            if (!std::exchange(slept, true)) std::this_thread::sleep_for(time);
            seen->add(in.int64(0));
        };
    }

    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    const std::shared_ptr<Tally> seen = std::make_shared<Tally>(kCount);
    TopologyBuilder t;
};

TEST_P(EngineExpiry, ASlowBoltAtDefaultSettingsIsKeptBusyAndNothingTimesOut) {
    constexpr std::int64_t kTuples = 150;  // 1.5 s of work, more than a timeout.
    t.spout<Numbers>("numbers", kTuples, outcomes);
    t.bolt_fn("slow", {}, [](const Tuple&, BasicCollector&) {
         std::this_thread::sleep_for(milliseconds(10));
     }).shuffle("numbers");

    Running run(t, config({{"topology.message.timeout.secs", "1"}}));

    ASSERT_TRUE(run.finishes(std::chrono::seconds(60)));
    EXPECT_EQ(outcomes->acked(), kTuples);
    EXPECT_EQ(outcomes->settled(), kTuples) << "none was emitted twice";
}

INSTANTIATE_TEST_SUITE_P(Threads, EngineExpiry, all_threads(), name_of);

TEST_P(EngineExpiry, WhatTimedOutInFrontOfABoltIsNotExecutedAndItsReplayIs) {
    const auto each = std::make_shared<Tally>(kMany);
    const auto late = std::make_shared<std::atomic<int>>(0);
    t.spout<Persistent>("numbers", outcomes);
    t.bolt_fn("lagging", {}, [=, executed = 0](const Tuple& in, BasicCollector&) mutable {
         if (now_ms() - in.int64(1) > 2'200) late->fetch_add(1);
         // Not at first: its spout would wait what becomes of a few.
         if (++executed == kMany / 2) std::this_thread::sleep_for(milliseconds(2'500));
         each->add(in.int64(0));
     }).shuffle("numbers");
    ::testing::internal::CaptureStderr();

    Running run(t, config({{"topology.message.timeout.secs", "1"}}));

    const bool finished = run.finishes(kPatience * 2);
    const std::string log = ::testing::internal::GetCapturedStderr();
    ASSERT_TRUE(finished) << "acked " << outcomes->acked() << ", failed " << outcomes->failed();
    const worker::ComponentSnapshot lagging = run.of("lagging");
    EXPECT_GT(lagging.expired, 0);
    EXPECT_EQ(lagging.expired + lagging.inputs.at(0).executed,
              run.of("numbers").streams.at(0).emitted);
    EXPECT_LE(late->load(), 256) << "more than are executed between two looks at the clock";
    EXPECT_EQ(outcomes->acked(), kMany);
    EXPECT_GE(outcomes->failed(), 1);
    EXPECT_EQ(outcomes->failed(), outcomes->failed(FailReason::kTimedOut));
    for (std::int64_t n = 0; n < kMany; ++n) ASSERT_GE(each->of(n), 1);
    EXPECT_THAT(log, ::testing::HasSubstr("tuples for bolt \"lagging\" timed out"));
    EXPECT_THAT(log, ::testing::HasSubstr("give it more executors"));
}

TEST_P(EngineExpiry, UntrackedTuplesAreExecutedHoweverLate) {
    t.spout<Numbers>("numbers", kCount);
    t.bolt_fn("lagging", {}, sleep_once(milliseconds(1'500))).shuffle("numbers");
    ::testing::internal::CaptureStderr();

    Running run(t, config({{"topology.message.timeout.secs", "1"}}));

    const bool finished = run.finishes();
    const std::string log = ::testing::internal::GetCapturedStderr();
    ASSERT_TRUE(finished);
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_EQ(run.of("lagging").expired, 0);
    EXPECT_THAT(log, ::testing::Not(::testing::HasSubstr("timed out")));
}

TEST_P(EngineExpiry, ABlockingBoltHandsOverAfterEachUntrackedTupleHoweverLate) {
    const auto held_back = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", kCount);
    t.bolt_fn(
         "lagging", {{"n", Kind::kInt64}},
         [=, seen = seen, before = std::size_t{0}](const Tuple& in, BasicCollector& out) mutable {
             if (before == 0) std::this_thread::sleep_for(milliseconds(1'500));
             // Each waits for what came of the one before.
             if (held_back->load() == 0 &&
                 !eventually([&] { return seen->sum() >= before; }, milliseconds(5'000)))
                 held_back->fetch_add(1);
             ++before;
             out.emit(in.int64(0));
         })
        .blocking()
        .shuffle("numbers");
    t.bolt_fn("sink", {}, [seen = seen](const Tuple& in, BasicCollector&) {
         seen->add(in.int64(0));
     }).shuffle("lagging");

    Running run(t, config({{"topology.message.timeout.secs", "1"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(held_back->load(), 0);
    EXPECT_TRUE(seen->all_are(1));
}

TEST_P(EngineExpiry, WithoutTimeoutsNothingIsLeftOut) {
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt_fn("lagging", {}, sleep_once(milliseconds(1'500))).shuffle("numbers");

    Running run(t, config({{"topology.message.timeout.secs", "1"},
                           {"topology.enable.message.timeouts", "false"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_EQ(run.of("lagging").expired, 0);
    EXPECT_EQ(outcomes->acked(), kCount);
}

// Declared blocking() or not: a call that takes so long has a thread of its own.
TEST_P(EngineExpiry, AResetInsideOfALongCallCountsAtOnceAndWhatIsEmittedThenIsExecuted) {
    for (const bool blocking : {true, false}) {
        SCOPED_TRACE(blocking ? "blocking()" : "undeclared");
        TopologyBuilder each;
        const auto told = std::make_shared<Outcomes>();
        const auto sunk = std::make_shared<Tally>(1);
        each.spout<Numbers>("numbers", 1, told);
        auto& slow = each.bolt<AnyBolt>(
            "slow", kN, BoltScript{.execute = [](const Tuple& in, BoltCollector& out) {
                for (int i = 0; i < 6; ++i) {
                    std::this_thread::sleep_for(milliseconds(200));
                    out.reset_timeout(in);
                }
                out.emit(in, in.int64(0));
                out.ack(in);
            }});
        slow.shuffle("numbers");
        if (blocking) slow.blocking();
        each.bolt_fn("sink", {},
                     [sunk](const Tuple& in, BasicCollector&) { sunk->add(in.int64(0)); })
            .shuffle("slow");

        Running run(each, config({{"topology.message.timeout.secs", "1"}}));

        ASSERT_TRUE(run.finishes());
        EXPECT_EQ(run.of("sink").expired, 0);
        EXPECT_EQ(sunk->of(0), 1);
        EXPECT_EQ(told->acked(), 1);
    }
}

TEST_P(EngineExpiry, WhatIsEmittedLateFromAKeptTupleIsExecuted) {
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt<AnyBolt>("keeps", kN,
                    BoltScript{.execute =
                                   [kept = std::make_shared<std::vector<Kept>>(), ticks = 0](
                                       const Tuple& in, BoltCollector& out) mutable {
                                       if (!in.is_tick()) {
                                           kept->push_back(out.keep(in));
                                           return;
                                       }
                                       for (Kept& each : *kept) out.reset_timeout(each.tuple());
                                       if (kept->size() < kCount || ++ticks < 20) return;
                                       for (Kept& each : *kept) {
                                           out.emit(each.tuple(), each.tuple().int64(0));
                                           out.ack(std::move(each));
                                       }
                                       kept->clear();
                                   }})
        .tick(milliseconds(100))
        .shuffle("numbers");
    t.bolt_fn("sink", {}, [seen = seen](const Tuple& in, BasicCollector&) {
         seen->add(in.int64(0));
     }).shuffle("keeps");

    Running run(t, config({{"topology.message.timeout.secs", "1"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_EQ(run.of("sink").expired, 0);
    EXPECT_EQ(outcomes->acked(), kCount);
}

TEST(EngineExpiryOfHops, WhatATupleHasWaitedForIsNotBlamedOnTheBoltThatGetsItLate) {
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 1, std::make_shared<Outcomes>());
    t.bolt_fn("slow", {{"n", Kind::kInt64}}, [](const Tuple& in, BasicCollector& out) {
         std::this_thread::sleep_for(milliseconds(1'500));
         out.emit(in.int64(0));
     }).shuffle("numbers");
    t.bolt_fn("quick", {}, [](const Tuple&, BasicCollector&) {}).shuffle("slow");
    ::testing::internal::CaptureStderr();

    Running run(t, config_of({2, false}, {{"topology.message.timeout.secs", "1"}}));

    const bool finished = run.finishes();
    const std::string log = ::testing::internal::GetCapturedStderr();
    ASSERT_TRUE(finished);
    EXPECT_EQ(run.of("quick").expired, 1);
    EXPECT_THAT(log, ::testing::HasSubstr("before it executed them; they came late; look at "
                                          "\"slow\" before it"));
}

}  // namespace
}  // namespace storm::testing

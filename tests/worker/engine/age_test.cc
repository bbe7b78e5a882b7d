// Goal:   what a bolt leaves out as too old is judged by the age of the spout's tuple, and by the
//         timeout of that spout.
// Method: bolts that sleep once with tuples behind them: one behind another, and one behind spouts
//         with different timeouts.

#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <storm/storm.h>

#include "tests/support/any_topology.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kCount = 300;
const Streams kN = default_stream({{"n", Kind::kInt64}});

/// Emits 0 … count - 1 in one call, tracked, and nothing again.
SpoutScript all_at_once(std::int64_t count, const std::shared_ptr<Outcomes>& told) {
    return {.next =
                [count, n = std::int64_t{0}](SpoutCollector& out) mutable {
                    const bool idle = n == count;
                    for (; n < count; ++n) out.emit_tracked(static_cast<MessageId>(n), n);
                    out.finished();
                    return idle ? Next::kIdle : Next::kEmitted;
                },
            .open = {},
            .ack = [told](MessageId id) { told->ack(id); },
            .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }};
}

struct EngineAge : ::testing::TestWithParam<Threads> {};

INSTANTIATE_TEST_SUITE_P(Threads, EngineAge, all_threads(), name_of);

TEST_P(EngineAge, ATupleTimesOutWithItsOwnSpoutHoweverPatientOthersAre) {
    constexpr std::int64_t kEach = 1'000;  // Within the credit of a channel.
    TopologyBuilder t;
    const auto hasty = std::make_shared<Outcomes>();
    const auto patient = std::make_shared<Outcomes>();
    const auto stubborn = std::make_shared<Outcomes>();
    t.spout<AnySpout>("hasty", kN, all_at_once(kEach, hasty))
        .set("topology.message.timeout.secs", "1");
    t.spout<AnySpout>("patient", kN, all_at_once(kEach, patient))
        .set("topology.message.timeout.secs", "60");
    t.spout<AnySpout>("stubborn", kN, all_at_once(kEach, stubborn))
        .set("topology.enable.message.timeouts", "false");
    t.bolt_fn("lagging", {},
              [slept = false](const Tuple&, BasicCollector&) mutable {
                  if (std::exchange(slept, true)) return;
                  std::this_thread::sleep_for(milliseconds(2'000));
              })
        .shuffle("hasty")
        .shuffle("patient")
        .shuffle("stubborn");

    Running run(t, config_of(GetParam()));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(patient->acked(), kEach);
    EXPECT_EQ(stubborn->acked(), kEach);
    const worker::ComponentSnapshot lagging = run.of("lagging");
    EXPECT_EQ(lagging.inputs.at(0).executed + lagging.expired, kEach);
    EXPECT_LE(lagging.inputs.at(0).executed, 256)
        << "more than are executed between two looks at the clock";
}

TEST(EngineAgeOfHops, ATupleIsAsOldAsThatOfItsSpoutHoweverManyBoltsItHasPassed) {
    const auto outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
    const auto once = [](milliseconds time) {
        return [time, slept = false](const Tuple& in, BasicCollector& out) mutable {
            if (!std::exchange(slept, true)) std::this_thread::sleep_for(time);
            out.emit(in.int64(0));
        };
    };
    t.spout<AnySpout>("numbers", kN, all_at_once(kCount, outcomes));
    // Each of them holds the others up for less than a timeout, and both together for longer.
    t.bolt_fn("first", {{"n", Kind::kInt64}}, once(milliseconds(1'400))).shuffle("numbers");
    t.bolt_fn("second", {{"n", Kind::kInt64}}, once(milliseconds(1'400))).shuffle("first");

    Running run(t, config_of({2, false}, {{"topology.message.timeout.secs", "2"}}));

    ASSERT_TRUE(run.finishes());
    // On a machine that is very busy the first bolt is late enough by itself.
    EXPECT_GT(run.of("first").expired + run.of("second").expired, kCount / 2);
}

}  // namespace
}  // namespace storm::testing

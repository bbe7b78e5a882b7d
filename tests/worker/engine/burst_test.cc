// Goal:   one call of user code, whichever it is, may emit far more than is allowed to wait:
// nothing
//         is lost, and what is in flight stays bounded.
// Method: each kind of call emits 100 MB, or a million rows, while another thread looks at what is
//         in flight.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/storm.h>

#include "tests/support/any_topology.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;
constexpr std::int64_t kRows = 6'400;
constexpr std::size_t kRowBytes = 16'000;  // 100 MB in all.
const Streams kText = default_stream({{"text", Kind::kString}});

/// The most that was in flight, looked at all the time.
class Peak {
public:
    explicit Peak(worker::Engine& engine)
        : thread_([this, &engine](const std::stop_token& stop) {
              while (!stop.stop_requested()) {
                  const auto now = engine.shared().pool.bytes_in_flight.load();
                  if (now > bytes_.load()) bytes_.store(now);
                  std::this_thread::sleep_for(std::chrono::microseconds(200));
              }
          }) {}
    std::int64_t bytes() const { return bytes_.load(); }

private:
    std::atomic<std::int64_t> bytes_{0};
    std::jthread thread_;
};

class EngineBurst : public ::testing::TestWithParam<Threads> {
protected:
    /// All output of "burst" has arrived, and was never in flight all at once.
    void expect_all_arrives() {
        const auto seen = std::make_shared<std::atomic<std::int64_t>>(0);
        t.bolt_fn("sink", {}, [seen](const Tuple&, BasicCollector&) {
             seen->fetch_add(1);
         }).shuffle("burst");
        Running run(t, config_of(GetParam(), {{"topology.executor.overshoot.bytes", "1048576"}}));
        const Peak peak(run.engine());

        ASSERT_TRUE(run.finishes(kPatience * 4));
        EXPECT_EQ(seen->load(), kRows);
        EXPECT_EQ(run.of("burst").dropped, 0);
        // The output that one call may keep, and a copy of it; credit; a row more here and there.
        EXPECT_LE(peak.bytes(), 4 * kMegabyte);
        EXPECT_TRUE(run.empties());
    }
    static void emit_all(auto& out) {
        const std::string text(kRowBytes, 'x');
        for (std::int64_t i = 0; i < kRows; ++i) out.emit(text);
    }

    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
};

INSTANTIATE_TEST_SUITE_P(Threads, EngineBurst, all_threads(), name_of);

void swallow(const Tuple&, BasicCollector&) {}

TEST_P(EngineBurst, AMillionRowsThatFinishEmitsAllArrive) {
    constexpr std::int64_t kCount = kSanitized ? 300'000 : 1'000'000;
    const auto seen = std::make_shared<std::atomic<std::int64_t>>(0);
    t.spout<Numbers>("numbers", 10);
    t.bolt<AnyBasicBolt>("burst", default_stream({{"n", Kind::kInt64}, {"text", Kind::kString}}),
                         BasicScript{.execute = swallow,
                                     .prepare = {},
                                     .finish =
                                         [](BasicCollector& out) {
                                             const std::string text(40, 'x');
                                             for (std::int64_t i = 0; i < kCount; ++i)
                                                 out.emit(i, text);
                                         }})
        .shuffle("numbers");
    t.bolt_fn("sink", {}, [seen](const Tuple& in, BasicCollector&) {
         if (in.int64(0) == seen->load()) seen->fetch_add(1);  // In order.
     }).shuffle("burst");

    Running run(t, config_of(GetParam()));

    ASSERT_TRUE(run.finishes(kPatience * 4));
    EXPECT_EQ(seen->load(), kCount);
    EXPECT_EQ(run.of("burst").dropped, 0);
}

TEST_P(EngineBurst, WhatOneExecuteEmitsAllArrives) {
    t.spout<Numbers>("numbers", 1);
    t.bolt_fn("burst", {"text"}, [](const Tuple&, BasicCollector& out) {
         emit_all(out);
     }).shuffle("numbers");

    expect_all_arrives();
}

TEST_P(EngineBurst, WhatOneExecuteEmitsAnchoredIsAckedWithItsTree) {
    t.spout<Numbers>("numbers", 1, outcomes);
    t.bolt_fn("burst", {"text"}, [](const Tuple&, BasicCollector& out) {
         emit_all(out);
     }).shuffle("numbers");

    expect_all_arrives();

    EXPECT_EQ(outcomes->acked(), 1);
}

TEST_P(EngineBurst, WhatOneFinishEmitsAllArrives) {
    t.spout<Numbers>("numbers", 1);
    t.bolt<AnyBasicBolt>("burst", kText,
                         BasicScript{.execute = swallow,
                                     .prepare = {},
                                     .finish = [](BasicCollector& out) { emit_all(out); }})
        .shuffle("numbers");

    expect_all_arrives();
}

TEST_P(EngineBurst, WhatOneTickEmitsAllArrives) {
    const auto ticked = std::make_shared<std::atomic<bool>>(false);
    t.spout<AnySpout>("waits", default_stream({{"n", Kind::kInt64}}),
                      SpoutScript{.next = [ticked](SpoutCollector& out) {
                          if (ticked->load()) out.finished();
                          return Next::kIdle;
                      }});
    t.bolt_fn("burst", {"text"},
              [ticked](const Tuple& in, BasicCollector& out) {
                  if (!in.is_tick() || ticked->exchange(true)) return;
                  emit_all(out);
              })
        .tick(milliseconds(10))
        .shuffle("waits");

    expect_all_arrives();
}

TEST_P(EngineBurst, WhatOnePostedCallEmitsAllArrives) {
    const auto done = std::make_shared<std::atomic<bool>>(false);
    t.spout<AnySpout>("burst", kText,
                      SpoutScript{.next =
                                      [done](SpoutCollector& out) {
                                          if (done->load()) out.finished();
                                          return Next::kIdle;
                                      },
                                  .open =
                                      [done](const TaskContext& context, SpoutCollector& out) {
                                          context.post([done, out]() mutable {
                                              emit_all(out);
                                              done->store(true);
                                          });
                                      }});

    expect_all_arrives();
}

TEST_P(EngineBurst, WhatOneNextTupleEmitsAllArrives) {
    t.spout<AnySpout>("burst", kText, SpoutScript{.next = [](SpoutCollector& out) {
                          emit_all(out);
                          out.finished();
                          return Next::kEmitted;
                      }});

    expect_all_arrives();
}

TEST_P(EngineBurst, WhatOneOpenEmitsAllArrives) {
    t.spout<AnySpout>(
        "burst", kText,
        SpoutScript{.next =
                        [](SpoutCollector& out) {
                            out.finished();
                            return Next::kIdle;
                        },
                    .open = [](const TaskContext&, SpoutCollector& out) { emit_all(out); }});

    expect_all_arrives();
}

TEST_P(EngineBurst, APrepareThatEmitsMoreThanMayWaitStopsTheTopologyAndSaysWhy) {
    // Nobody executes anything before all are prepared, so that it cannot wait.
    t.spout<Numbers>("numbers", 1);
    t.bolt<AnyBolt>("burst", kText,
                    BoltScript{.execute = [](const Tuple& in, BoltCollector& out) { out.ack(in); },
                               .prepare =
                                   [](const TaskContext&, BoltCollector& out) {
                                       const std::string text(kRowBytes, 'x');
                                       for (std::int64_t i = 0; i < kRows; ++i)
                                           out.emit_unanchored(text);
                                   }})
        .shuffle("numbers");
    t.bolt_fn("sink", {}, swallow).shuffle("burst");

    Running run(t, config_of(GetParam(), {{"topology.executor.overshoot.bytes", "1048576"}}));

    EXPECT_EQ(run.engine().wait(std::chrono::microseconds(kPatience).count()),
              worker::Engine::State::kFailed);
    EXPECT_THAT(run.engine().failure(), HasSubstr("topology.executor.overshoot.bytes"));
}

TEST_P(EngineBurst, ABurstIntoACycleIsStillBoundedByItsLimit) {
    t.spout<Numbers>("numbers", 1);
    t.bolt_fn("left", {"text"},
              [](const Tuple& in, BasicCollector& out) {
                  if (in.source_component() == "numbers") emit_all(out);
              })
        .shuffle("numbers")
        .shuffle("right");
    t.bolt_fn("right", {"text"}, swallow).shuffle("left");

    Running run(t, config_of(GetParam(), {{"topology.executor.overshoot.bytes", "1048576"},
                                          {"topology.cycle.buffer.bytes", "2097152"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_LE(run.of("left").dropped, kRows);
    EXPECT_TRUE(run.empties());
}

}  // namespace
}  // namespace storm::testing

// Goal:   user code that holds its loop without having said so holds up nobody else for long, and
//         loses nothing when its executor is taken out of the loop.
// Method: components that sleep, or wait at a gate, among others that do not, on one, two and three
//         loops. What does not end in time has hung.

#include <algorithm>
#include <array>
#include <atomic>
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
#include "worker/queue/limits.h"
#include "worker/run/stuck.h"

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

/// Emits without end.
SpoutScript endless() {
    return {.next = [](SpoutCollector& out) {
        out.emit(1);
        return Next::kEmitted;
    }};
}

/// The effect of one task's calls on its neighbours.
struct Beside {
    std::atomic<int> acks{0};   // Acks of the neighbours.
    std::atomic<int> calls{0};  // Calls that were slow, but held nobody up.
    std::atomic<bool> over{false};

    /// A call of 100 ms and more, which ends when neighbours have gone on since it began.
    void sleep() {
        const int before = acks.load();
        std::this_thread::sleep_for(milliseconds(100));
        if (eventually([&] { return over.load() || acks.load() >= before + 5; }))
            calls.fetch_add(1);
    }
};

/// Emits one tracked tuple at a time.
SpoutScript pings(std::shared_ptr<Beside> beside) {
    const auto pending = std::make_shared<bool>(false);
    return {.next =
                [pending, n = std::int64_t{0}](SpoutCollector& out) mutable {
                    if (*pending) return Next::kIdle;
                    *pending = true;
                    out.emit_tracked(1, n++);
                    return Next::kEmitted;
                },
            .open = {},
            .ack =
                [pending, beside](MessageId) {
                    *pending = false;
                    beside->acks.fetch_add(1);
                }};
}

TEST_P(EngineStall, ABoltThatSleepsUndeclaredHoldsUpNoNeighbour) {
    // 200 executors; one of them sleeps for each of its tuples.
    const auto beside = std::make_shared<Beside>();
    t.spout<AnySpout>("endless", kN, endless()).set("topology.max.spout.pending", "1");
    t.bolt_fn("sleeper", {}, [beside](const Tuple&, BasicCollector&) {
         beside->sleep();
     }).shuffle("endless");
    t.spout<AnySpout>("pings", kN, pings(beside));
    t.bolt_fn("a", {{"n", Kind::kInt64}},
              [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0)); })
        .parallelism(98)
        .shuffle("pings");
    t.bolt_fn("b", {}, swallow).parallelism(99).shuffle("a");
    Running run(t, config());

    EXPECT_TRUE(eventually([&] { return beside->calls.load() >= 10; }));
    beside->over.store(true);
    ASSERT_TRUE(run.stop());
}

TEST_P(EngineStall, ASpoutThatSleepsUndeclaredHoldsUpNoNeighbour) {
    const auto beside = std::make_shared<Beside>();
    const auto told = outcomes;
    t.spout<AnySpout>("sleeper", kN,
                      SpoutScript{.next =
                                      [beside, n = 0](SpoutCollector& out) mutable {
                                          beside->sleep();
                                          out.emit_tracked(static_cast<MessageId>(n), n);
                                          ++n;
                                          return Next::kEmitted;
                                      },
                                  .open = {},
                                  .ack = [told](MessageId id) { told->ack(id); }});
    t.spout<AnySpout>("pings", kN, pings(beside));
    t.bolt_fn("sink", {}, swallow).parallelism(3).shuffle("pings").shuffle("sleeper");
    Running run(t, config());

    EXPECT_TRUE(eventually([&] { return beside->calls.load() >= 10; }));
    EXPECT_TRUE(eventually([&] { return outcomes->acked() >= 9; }));
    beside->over.store(true);
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

TEST_P(EngineStall, ManyShortCallsInOneStepDoNotCountAsOneThatHolds) {
    // The clock is looked at every 256 calls, as long as they are short; then they take longer.
    constexpr std::int64_t kShort = 200'000;
    constexpr std::int64_t kCount = kShort + 400;
    const auto away = std::make_shared<std::atomic<int>>(0);
    const auto engine = std::make_shared<worker::Engine*>(nullptr);
    t.spout<Numbers>("numbers", kCount);
    t.bolt_fn("bolt", {}, [=](const Tuple& in, BasicCollector&) {
         if (in.int64(0) < kShort) return;
         const auto end = steady_clock::now() + microseconds(300);
         while (steady_clock::now() < end) {
         }
         if (!at_home(**engine, "bolt")) away->fetch_add(1);
     }).shuffle("numbers");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).shuffle("numbers");

    Running run(t, config(), [engine](worker::Engine& made) { *engine = &made; });

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(away->load(), 0);
}

TEST_P(EngineStall, CallsThatBecomeSlowAllAtOnceEndTheirStepSoon) {
    constexpr int kBursts = 8;
    constexpr int kSlowCalls = 60;
    const auto in_turn = std::make_shared<std::atomic<int>>(0);
    const auto most = std::make_shared<std::array<std::atomic<int>, kBursts>>();
    t.spout<AnySpout>("endless", kN, endless());
    t.spout<AnySpout>("other", kN, endless());  // Does not wait for the slow bolt's credit.
    t.bolt_fn("moody", {}, [=, calls = 0](const Tuple&, BasicCollector&) mutable {
         constexpr int kQuickCalls = 5'000;
         const int burst = calls / (kQuickCalls + kSlowCalls);
         const bool slow = calls++ % (kQuickCalls + kSlowCalls) >= kQuickCalls;
         if (!slow || burst >= kBursts) return;
         std::this_thread::sleep_for(milliseconds(3));
         std::atomic<int>& longest = most->at(static_cast<std::size_t>(burst));
         longest = std::max(longest.load(), in_turn->fetch_add(1) + 1);
     }).shuffle("endless");
    t.bolt_fn("neighbour", {}, [in_turn](const Tuple&, BasicCollector&) {
         in_turn->store(0);
     }).shuffle("other");
    Running run(t, config());

    ASSERT_TRUE(eventually([&] { return most->back().load() > 0; }, kPatience * 2));

    // The watch, too, may have to wait for a processor now and then.
    const auto held = std::count_if(most->begin(), most->end(), [](const std::atomic<int>& calls) {
        return calls.load() > kSlowCalls / 2;
    });
    EXPECT_LE(held, kBursts / 2);
    ASSERT_TRUE(run.stop());
}

TEST_P(EngineStall, ANeighbourIsFreedThoughItsLoopNeverSleeps) {
    // A spout that always emits; and a prepare() so long that the stall watch finds nothing to do.
    t.spout<AnySpout>("endless", kN, endless()).parallelism(GetParam().loops);
    t.bolt<AnyBasicBolt>(
         "sleeper", kNoStreams,
         BasicScript{
             .execute = [](const Tuple&,
                           BasicCollector&) { std::this_thread::sleep_for(milliseconds(30)); },
             .prepare = [](const TaskContext&) { std::this_thread::sleep_for(milliseconds(300)); }})
        .shuffle("endless");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).shuffle("endless");
    Running run(t, config());

    EXPECT_TRUE(eventually([&] { return !at_home(run.engine(), "sleeper"); }));

    ASSERT_TRUE(run.stop());
}

// ---- There and back ----------------------------------------------------------------------------

TEST_P(EngineStall, ABoltThatWasSlowOnceComesHomeWhenItIsQuickAgain) {
    const auto gate = std::make_shared<std::atomic<bool>>(false);
    t.spout<AnySpout>("endless", kN, endless());
    t.bolt_fn("bolt", {}, [gate, slow = true](const Tuple&, BasicCollector&) mutable {
         if (!slow) return;
         slow = false;
         while (!gate->load()) std::this_thread::sleep_for(milliseconds(1));
     }).shuffle("endless");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).shuffle("endless");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return !at_home(run.engine(), "bolt"); }));

    gate->store(true);

    EXPECT_TRUE(eventually([&] { return at_home(run.engine(), "bolt"); }));
    ASSERT_TRUE(run.stop());
    const worker::Executor& bolt =
        run.engine().shared().executor_of(run.engine().wiring().tasks_of("bolt").front());
    // Its threads have ended. It may have been taken out again, on a machine that is busy.
    EXPECT_FALSE(at_home(run.engine(), "bolt") && bolt.entry.prompt) << "it fills batches again";
}

TEST_P(EngineStall, ABoltThatBlocksInEachCallStaysOut) {
    t.spout<AnySpout>("endless", kN, endless());
    t.bolt_fn("bolt", {}, [](const Tuple&, BasicCollector&) {
         std::this_thread::sleep_for(milliseconds(20));
     }).shuffle("endless");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).shuffle("endless");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return !at_home(run.engine(), "bolt"); }));

    const auto end = steady_clock::now() + milliseconds(2'500);
    bool stayed = true;
    while (stayed && steady_clock::now() < end) {
        stayed = !at_home(run.engine(), "bolt");
        std::this_thread::sleep_for(milliseconds(1));
    }

    EXPECT_TRUE(stayed);
    ASSERT_TRUE(run.stop());
}

TEST_P(EngineStall, ASpoutThatWasSlowOnceComesHomeAndIsToldOfAllItsTuples) {
    constexpr std::int64_t kCount = 2'000;
    JumpingClock clock;
    const auto told = outcomes;
    t.spout<AnySpout>(
        "numbers", kN,
        SpoutScript{.next =
                        [n = std::int64_t{0}](SpoutCollector& out) mutable {
                            if (n == kCount) {
                                out.finished();
                                return Next::kIdle;
                            }
                            if (n % 500 == 499) std::this_thread::sleep_for(milliseconds(40));
                            out.emit_tracked(static_cast<MessageId>(n), n);
                            ++n;
                            return Next::kEmitted;
                        },
                    .open = {},
                    .ack = [told](MessageId id) { told->ack(id); },
                    .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }});
    t.bolt_fn("sink", {}, swallow).parallelism(3).shuffle("numbers");
    worker::Engine engine(t.build(), config({{"topology.enable.message.timeouts", "false"}}),
                          clock);
    std::jthread time([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            clock.jump(worker::kCalmMicrosMax);
            std::this_thread::sleep_for(milliseconds(2));
        }
    });

    engine.start();

    ASSERT_EQ(engine.wait(microseconds(kPatience).count()), worker::Engine::State::kFinished);
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(EngineStall, ABoltThatLeavesItsLoopTenThousandTimesLeavesNothingBehind) {
    // One call in three emits more than may wait until it ends, and so leaves. Time flies between
    // the others, so that the bolt is home again before the next.
    constexpr std::int64_t kCount = kSanitized ? 3'000 : 30'000;
    JumpingClock clock;
    const auto seen = std::make_shared<Tally>(kCount);
    const auto left = std::make_shared<std::atomic<std::int64_t>>(0);
    const auto engine = std::make_shared<worker::Engine*>(nullptr);
    t.spout<Numbers>("numbers", kCount);
    t.bolt_fn("bolt", {"n", "text"}, [=, &clock](const Tuple& in, BasicCollector& out) {
         if (!at_home(**engine, "bolt")) {
             clock.jump(worker::kCalmMicrosMax);
             out.emit(in.int64(0), "");
             return;
         }
         left->fetch_add(1);
         const std::string text(20'000, 'x');
         for (int i = 0; i < 3; ++i) out.emit(i == 0 ? in.int64(0) : -1, text);
     }).shuffle("numbers");
    t.bolt_fn("sink", {}, [seen](const Tuple& in, BasicCollector&) {
         if (in.int64(0) >= 0) seen->add(in.int64(0));
     }).shuffle("bolt");
    worker::Engine made(t.build(), config({{"topology.executor.overshoot.bytes", "1024"}}), clock);
    *engine = &made;

    made.start();

    ASSERT_EQ(made.wait(4 * microseconds(kPatience).count()), worker::Engine::State::kFinished);
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_GE(left->load(), kCount / 10);
    EXPECT_LE(made.loops().crew().size(), 16);  // Some may be on their way to be used again.
    EXPECT_LE(made.loops().annexes(), 2);
    ASSERT_TRUE(made.stop(microseconds(kPatience).count()));
    EXPECT_EQ(made.shared().pool.bytes_in_flight.load(), 0);
}

TEST_P(EngineStall, WithoutAThreadToBeHadABoltThatHoldsItsLoopIsNoDisaster) {
    constexpr std::int64_t kCount = 200;
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt_fn("holds", {}, [](const Tuple& in, BasicCollector&) {
         if (in.int64(0) % 20 == 0) std::this_thread::sleep_for(milliseconds(50));
     }).shuffle("numbers");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).shuffle("numbers");

    Running run(t, config(), give_no_more_threads);

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(run.engine().loops().crew().size(), GetParam().loops);
}

// ---- Before the first tuple --------------------------------------------------------------------

TEST_P(EngineStall, APrepareThatWaitsHoldsUpNoOtherOfItsLoop) {
    // Each waits until all are in it.
    constexpr int kBolts = 6;
    const auto in_it = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", 10, outcomes);
    t.bolt<AnyBasicBolt>("bolt", kNoStreams,
                         BasicScript{.execute = swallow,
                                     .prepare =
                                         [in_it](const TaskContext&) {
                                             in_it->fetch_add(1);
                                             while (in_it->load() < kBolts)
                                                 std::this_thread::sleep_for(milliseconds(1));
                                         }})
        .parallelism(kBolts)
        .shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 10);
}

TEST_P(EngineStall, AnOpenThatWaitsHoldsUpNoOtherSpout) {
    const auto told = outcomes;
    const auto open = std::make_shared<std::atomic<bool>>(false);
    t.spout<AnySpout>("late", kN,
                      SpoutScript{.next =
                                      [](SpoutCollector& out) {
                                          out.finished();
                                          return Next::kIdle;
                                      },
                                  .open =
                                      [open](const TaskContext&, SpoutCollector& out) {
                                          while (!open->load())
                                              std::this_thread::sleep_for(milliseconds(1));
                                          out.emit(1);
                                      }});
    t.spout<Numbers>("numbers", 1'000, outcomes);
    t.bolt_fn("sink", {}, swallow).parallelism(3).shuffle("numbers").shuffle("late");
    Running run(t, config());

    EXPECT_TRUE(eventually([&] { return outcomes->acked() == 1'000; }));
    open->store(true);

    ASSERT_TRUE(run.finishes());
    std::uint64_t executed = 0;
    for (const auto& input : run.of("sink").inputs) executed += input.executed;
    EXPECT_EQ(executed, 1'001);
}

TEST_P(EngineStall, ABoltThatWasSlowToPrepareIsAtHomeForItsFirstTuple) {
    const auto engine = std::make_shared<worker::Engine*>(nullptr);
    const auto away = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", 100, outcomes);
    t.bolt<AnyBasicBolt>("bolt", kNoStreams,
                         BasicScript{.execute =
                                         [=](const Tuple&, BasicCollector&) {
                                             if (!at_home(**engine, "bolt")) away->fetch_add(1);
                                         },
                                     .prepare =
                                         [engine](const TaskContext&) {
                                             // Until it has been taken out, which it is.
                                             while (at_home(**engine, "bolt"))
                                                 std::this_thread::sleep_for(milliseconds(1));
                                         }})
        .shuffle("numbers");
    t.bolt_fn("neighbour", {}, swallow).parallelism(3).shuffle("numbers");

    Running run(t, config(), [engine](worker::Engine& made) { *engine = &made; });

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(away->load(), 0);
}

TEST_P(EngineStall, NothingThatAPrepareEmitsIsExecutedBeforeAllBoltsArePrepared) {
    const auto prepared = std::make_shared<std::atomic<bool>>(false);
    const auto early = std::make_shared<std::atomic<int>>(0);
    const auto executed = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", 1);
    t.bolt<AnyBolt>("first", kN,
                    BoltScript{.execute = [](const Tuple& in, BoltCollector& out) { out.ack(in); },
                               .prepare =
                                   [](const TaskContext&, BoltCollector& out) {
                                       for (int i = 0; i < 1'000; ++i) out.emit_unanchored(i);
                                   }})
        .shuffle("numbers");
    t.bolt_fn("sink", {},
              [=](const Tuple&, BasicCollector&) {
                  executed->fetch_add(1);
                  if (!prepared->load()) early->fetch_add(1);
              })
        .parallelism(3)
        .shuffle("first");
    t.bolt<AnyBasicBolt>("late", kNoStreams,
                         BasicScript{.execute = swallow,
                                     .prepare =
                                         [prepared](const TaskContext&) {
                                             std::this_thread::sleep_for(milliseconds(200));
                                             prepared->store(true);
                                         }})
        .shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(executed->load(), 1'000);
    EXPECT_EQ(early->load(), 0);
}

TEST_P(EngineStall, OfManyThatPrepareTheOneThatHangsIsNamed) {
    const auto go = std::make_shared<std::atomic<bool>>(false);
    const auto quick = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", 10, outcomes);
    t.bolt<AnyBasicBolt>("hangs", kNoStreams,
                         BasicScript{.execute = swallow,
                                     .prepare =
                                         [go](const TaskContext&) {
                                             while (!go->load())
                                                 std::this_thread::sleep_for(milliseconds(1));
                                         }})
        .shuffle("numbers");
    t.bolt<AnyBasicBolt>(
         "quick", kNoStreams,
         BasicScript{.execute = swallow,
                     .prepare = [quick](const TaskContext&) { quick->fetch_add(1); }})
        .parallelism(5)
        .shuffle("numbers");
    JumpingClock clock;
    worker::Engine engine(t.build(), config(), clock);
    engine.start();
    ASSERT_TRUE(eventually([&] { return quick->load() == 5 && !at_home(engine, "hangs"); }));

    clock.jump(11 * base::kMicrosPerSecond);
    for (const worker::ComponentSnapshot& component : engine.snapshot()) {
        EXPECT_EQ(component.opening > 11 * base::kMicrosPerSecond, component.id == "hangs");
    }
    EXPECT_FALSE(engine.shared().state.prepared());
    EXPECT_FALSE(engine.stop(100 * base::kMicrosPerMilli));
    EXPECT_EQ(worker::stuck_components(engine.loops().in_user_code()), "\"hangs\" (task 1)");

    go->store(true);
    EXPECT_TRUE(engine.stop(microseconds(kPatience).count()));
}

}  // namespace
}  // namespace storm::testing

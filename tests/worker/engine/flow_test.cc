// Goal:   whoever cannot take more is waited for, and nothing is lost by it: memory stays bounded,
//         no executor waits for ever, and where a cycle or a single call is too much, trees fail
//         with a reason.
// Method: small topologies with slow and stuck bolts, small buffers and large rows run in this
//         process, on one, two and three loops and with a thread for each executor. What does not
//         end in time has hung.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/storm.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/any_topology.h"
#include "tests/support/gate.h"
#include "tests/support/resident.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kMiB = 1 << 20;
void swallow(const Tuple&, BasicCollector&) {}
const Streams kN = default_stream({{"n", Kind::kInt64}});
const Streams kNText = default_stream({{"n", Kind::kInt64}, {"text", Kind::kString}});

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void spin(std::chrono::microseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
    }
}

/// Emits (n, a text of size_of(n)), untracked.
SpoutScript texts(std::int64_t count, std::function<std::size_t(std::int64_t)> size_of) {
    return {.next = [count, size_of, n = std::int64_t{0}](SpoutCollector& out) mutable {
        if (n == count) {
            out.finished();
            return Next::kIdle;
        }
        out.emit(n, std::string(size_of(n), static_cast<char>('a' + n % 26)));
        ++n;
        return Next::kEmitted;
    }};
}

/// Whether a text is as texts() made it.
bool intact(const Tuple& in, std::size_t size) {
    const auto letter = static_cast<char>('a' + in.int64(0) % 26);
    return in.string(1) == std::string(size, letter);
}

class EngineFlow : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }
    /// The most bytes in flight that are seen until the topology ends.
    static std::int64_t most_in_flight(Running& run) {
        std::int64_t most = 0;
        EXPECT_TRUE(eventually([&] {
            most = std::max(most, run.bytes_in_flight());
            return run.finishes(std::chrono::microseconds(200));
        }));
        return most;
    }

    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
};

INSTANTIATE_TEST_SUITE_P(Threads, EngineFlow, all_threads(), name_of);

// ---- Back-pressure -----------------------------------------------------------------------------

TEST_P(EngineFlow, ASlowSinkBoundsWhatIsInFlightAndLosesNothing) {
    constexpr std::int64_t kCount = 40'000;
    const auto seen = std::make_shared<Tally>(kCount);
    t.spout<AnySpout>("texts", kNText, texts(kCount, [](std::int64_t) { return 300; }));
    t.bolt_fn("pass", {"n", "text"},
              [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0), in.string(1)); })
        .parallelism(2)
        .shuffle("texts");
    t.bolt_fn("sink", {}, [seen](const Tuple& in, BasicCollector&) {
         seen->add(in.int64(0));
         spin(std::chrono::microseconds(10));
     }).shuffle("pass");

    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));

    EXPECT_LE(most_in_flight(run), kMiB + kMiB / 2);
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_TRUE(run.empties());
}

TEST_P(EngineFlow, AStuckSinkStopsItsSpoutsWithinTheirCredit) {
    const auto gate = std::make_shared<Gate>();
    constexpr std::int64_t kCount = 100'000;
    const auto seen = std::make_shared<Tally>(kCount);
    t.spout<AnySpout>("texts", kNText, texts(kCount, [](std::int64_t) { return 1'000; }));
    t.bolt_fn("sink", {},
              [gate, seen](const Tuple& in, BasicCollector&) {
                  gate->pass();
                  seen->add(in.int64(0));
              })
        .blocking()
        .shuffle("texts");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));
    std::this_thread::sleep_for(milliseconds(300));

    const std::uint64_t emitted = run.of("texts").streams.at(0).emitted;

    EXPECT_LE(emitted, 400) << "a channel has 256 KiB of credit";
    EXPECT_LE(run.bytes_in_flight(), kMiB);
    gate->open();
    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
}

TEST_P(EngineFlow, ManyHopsWithTinyCreditAndRowsOfAllSizesDeliverEverything) {
    constexpr std::int64_t kCount = 3'000;
    const auto seen = std::make_shared<Tally>(kCount);
    const auto broken = std::make_shared<std::atomic<int>>(0);
    const auto size_of = [](std::int64_t n) {
        return static_cast<std::size_t>(n % 7 == 0 ? 8'100 : n * 131 % 2'500);
    };
    const auto pass = [](const Tuple& in, BasicCollector& out) {
        out.emit(in.int64(0), in.string(1));
    };
    t.spout<AnySpout>("texts", kNText, texts(kCount, size_of));
    t.bolt_fn("a", {"n", "text"}, pass).parallelism(8).shuffle("texts");
    t.bolt_fn("b", {"n", "text"}, pass).parallelism(8).fields("a", {"n"});
    t.bolt_fn("c", {"n", "text"}, pass).parallelism(8).none("b");
    t.bolt_fn("sink", {},
              [=](const Tuple& in, BasicCollector&) {
                  if (!intact(in, size_of(in.int64(0)))) broken->fetch_add(1);
                  seen->add(in.int64(0));
              })
        .parallelism(2)
        .shuffle("c");

    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));

    ASSERT_TRUE(run.finishes()) << "somebody waits for credit that is there";
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_EQ(broken->load(), 0);
}

TEST_P(EngineFlow, RowsOfHalfABatchUseUpCreditAndBatchAtOnceAndStillGoOn) {
    // The row that closes a batch is the one that uses up the credit.
    constexpr std::int64_t kCount = 2'000;
    for (const std::size_t size : {8'100U, 5'400U, 16'300U, 4'000U}) {
        SCOPED_TRACE(size);
        TopologyBuilder each;
        const auto seen = std::make_shared<Tally>(kCount);
        each.spout<AnySpout>("texts", kNText, texts(kCount, [size](std::int64_t) { return size; }));
        each.bolt_fn(
                "pass", {"n", "text"},
                [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0), in.string(1)); })
            .shuffle("texts");
        each.bolt_fn("sink", {},
                     [seen](const Tuple& in, BasicCollector&) {
                         seen->add(in.int64(0));
                         spin(std::chrono::microseconds(5));
                     })
            .global("pass");

        Running run(each, config({{"topology.worker.buffer.bytes", "1048576"}}));

        ASSERT_TRUE(run.finishes());
        EXPECT_TRUE(seen->all_are(1));
    }
}

TEST_P(EngineFlow, ABlockingBoltThatWaitsForCreditAgainAndAgainInOneCallGoesOn) {
    constexpr std::int64_t kCount = 20;
    constexpr std::int64_t kEach = 2'000;
    const auto seen = std::make_shared<Tally>(kCount);
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt_fn("burst", {"n", "text"},
              [](const Tuple& in, BasicCollector& out) {
                  const std::string text(500, 'x');
                  for (std::int64_t i = 0; i < kEach; ++i) out.emit(in.int64(0), text);
              })
        .blocking()
        .parallelism(2)
        .shuffle("numbers");
    t.bolt_fn("sink", {},
              [seen](const Tuple& in, BasicCollector&) {
                  seen->add(in.int64(0));
                  spin(std::chrono::microseconds(2));
              })
        .parallelism(3)
        .fields("burst", {"n"});

    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));

    EXPECT_LE(most_in_flight(run), 2 * kMiB);
    EXPECT_TRUE(seen->all_are(kEach));
    EXPECT_EQ(outcomes->acked(), kCount);
}

TEST_P(EngineFlow, ABlockingSpoutThatWaitsForCreditGoesOnThoughItWasWokenMeanwhile) {
    constexpr std::int64_t kCount = 20'000;
    const auto seen = std::make_shared<Tally>(kCount);
    const auto waker = std::make_shared<std::function<void()>>();
    const auto ready = std::make_shared<std::atomic<bool>>(false);
    SpoutScript script = {.next =
                              [n = std::int64_t{0}](SpoutCollector& out) mutable {
                                  const std::string text(700, 'x');
                                  for (int i = 0; i < 1'000 && n < kCount; ++i) out.emit(n++, text);
                                  if (n == kCount) out.finished();
                                  return Next::kEmitted;
                              },
                          .open =
                              [waker, ready](const TaskContext&, SpoutCollector& out) {
                                  *waker = out.waker();
                                  ready->store(true);
                              }};
    t.spout<AnySpout>("texts", kNText, script).blocking();
    t.bolt_fn("sink", {},
              [seen](const Tuple& in, BasicCollector&) {
                  seen->add(in.int64(0));
                  spin(std::chrono::microseconds(2));
              })
        .parallelism(2)
        .shuffle("texts");
    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));
    ASSERT_TRUE(eventually([&] { return ready->load(); }));

    std::jthread wakes([&](std::stop_token stop) {
        while (!stop.stop_requested()) {
            (*waker)();
            std::this_thread::sleep_for(std::chrono::microseconds(300));
        }
    });

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
}

TEST_P(EngineFlow, ShuffleGoesAroundATaskThatIsStuck) {
    const auto gate = std::make_shared<Gate>();
    constexpr std::int64_t kCount = 60'000;
    const auto seen = std::make_shared<Tally>(kCount);
    class Sink final : public BasicBolt {
    public:
        Sink(std::shared_ptr<Gate> gate, std::shared_ptr<Tally> seen)
            : gate_(std::move(gate)), seen_(std::move(seen)) {}
        void prepare(const TaskContext& context) override { stuck_ = context.index() == 0; }
        void execute(const Tuple& in, BasicCollector&) override {
            if (stuck_) gate_->pass();
            seen_->add(in.int64(0));
        }

    private:
        const std::shared_ptr<Gate> gate_;
        const std::shared_ptr<Tally> seen_;
        bool stuck_ = false;
    };
    t.spout<Numbers>("numbers", kCount);
    t.bolt<Sink>("sink", gate, seen).blocking().parallelism(2).shuffle("numbers");
    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));

    // The stuck one got at most its credit, of 256 KiB; a row has 32 bytes.
    EXPECT_TRUE(eventually([&] { return seen->sum() >= kCount - 256 * 1024 / 32 - 1'000; }));

    gate->open();
    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
}

TEST_P(EngineFlow, ABoltThatIsBlockedCostsNothingThoughItsTicksAreDue) {
    const auto gate = std::make_shared<Gate>();
    t.spout<AnySpout>("texts", kNText, texts(20'000, [](std::int64_t) { return 1'000; }));
    t.bolt_fn("pass", {"n", "text"},
              [](const Tuple& in, BasicCollector& out) {
                  if (!in.is_tick()) out.emit(in.int64(0), in.string(1));
              })
        .tick(milliseconds(10))
        .shuffle("texts");
    t.bolt_fn("sink", {}, [gate](const Tuple&, BasicCollector&) { gate->pass(); })
        .blocking()
        .shuffle("pass");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));
    std::this_thread::sleep_for(milliseconds(300));

    const double before = cpu_seconds();
    std::this_thread::sleep_for(milliseconds(500));
    const double used = cpu_seconds() - before;

    EXPECT_LT(used, 0.05);
    gate->open();
    EXPECT_TRUE(run.finishes());
}

TEST_P(EngineFlow, RunsOfOneRowTakeNoMoreMemoryThanTheirBytesAllow) {
    // Rows go to two tasks in turn, so that each run has one row; the tasks hold their loop, and
    // all that comes for them is forwarded to where they went.
    const auto gate = std::make_shared<Gate>();
    t.spout<Numbers>("numbers", 200'000).parallelism(2);
    t.bolt_fn("stuck", {}, [gate](const Tuple&, BasicCollector&) { gate->pass(); })
        .parallelism(4)
        .shuffle("numbers");
    t.bolt_fn("other", {}, swallow).parallelism(2).shuffle("numbers");
    const std::int64_t before = resident_bytes();

    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 4; }));
    std::this_thread::sleep_for(milliseconds(500));

    EXPECT_LE(resident_bytes() - before, (kSanitized ? 200 : 48) * kMiB)
        << "for " << run.bytes_in_flight() << " bytes in flight";
    gate->open();
    ASSERT_TRUE(run.finishes());
}

TEST_P(EngineFlow, ManyTasksToManyTasksNeedNoBatchForEachPair) {
    constexpr std::int64_t kCount = 50'000;
    t.spout<Numbers>("numbers", kCount, outcomes).parallelism(4).tasks(100);
    t.bolt_fn("a", {{"n", Kind::kInt64}},
              [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0)); })
        .parallelism(50)
        .tasks(100)
        .shuffle("numbers");
    t.bolt_fn("b", {}, swallow).parallelism(50).tasks(100).fields("a", {"n"});
    const std::int64_t before = resident_bytes();

    Running run(t, config({{"topology.max.spout.pending", "1000"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_LE(resident_bytes() - before, (kSanitized             ? 1'000
                                          : GetParam().dedicated ? 100
                                                                 : 60) *
                                             kMiB);
}

TEST_P(EngineFlow, MaxSpoutPendingIsNotExceeded) {
    struct Count {
        int pending = 0;
        int most = 0;
        int emitted = 0;
    };
    // One for each task.
    const auto most = std::make_shared<std::atomic<int>>(0);
    class Pending final : public Spout {
    public:
        explicit Pending(std::shared_ptr<std::atomic<int>> most) : most_(std::move(most)) {}
        void declare_outputs(Outputs& outputs) const override { outputs.stream({"n"}); }
        Next next_tuple(SpoutCollector& out) override {
            if (count_.emitted == 2'000) {
                out.finished();
                return Next::kIdle;
            }
            out.emit_tracked(static_cast<MessageId>(count_.emitted), count_.emitted);
            ++count_.emitted;
            ++count_.pending;
            if (count_.pending > most_->load()) most_->store(count_.pending);
            return Next::kEmitted;
        }
        void ack(MessageId) override { --count_.pending; }
        void fail(MessageId, FailReason) override { --count_.pending; }

    private:
        const std::shared_ptr<std::atomic<int>> most_;
        Count count_;
    };
    t.spout<Pending>("numbers", most).parallelism(2).tasks(4);
    t.bolt_fn("sink", {},
              [](const Tuple& in, BasicCollector&) {
                  if (in.int64(0) % 3 == 0) throw FailedError("no");
              })
        .parallelism(2)
        .shuffle("numbers");

    Running run(t, config({{"topology.max.spout.pending", "7"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_GE(most->load(), 1);
    EXPECT_LE(most->load(), 7);
    EXPECT_EQ(run.of("numbers").acked + run.of("numbers").failed, 8'000);
}

// ---- Large rows --------------------------------------------------------------------------------

TEST_P(EngineFlow, RowsOfAMebibyteTravelThroughAllKindsOfGroupings) {
    constexpr std::int64_t kCount = 24;
    constexpr std::size_t kSize = kMiB;
    const auto seen = std::make_shared<Tally>(kCount);
    const auto broken = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("texts", kNText, texts(kCount, [](std::int64_t) { return kSize; }));
    t.bolt<AnyBolt>("keep", kNText,
                    BoltScript{.execute =
                                   [](const Tuple& in, BoltCollector& out) {
                                       Kept kept = out.keep(in);
                                       out.emit(kept.tuple(), kept.tuple().int64(0),
                                                kept.tuple().string(1));
                                       out.ack(std::move(kept));
                                   }})
        .parallelism(2)
        .shuffle("texts");
    t.bolt_fn("pass", {"n", "text"},
              [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0), in.string(1)); })
        .parallelism(2)
        .fields("keep", {"text"});
    t.bolt_fn("sink", {},
              [=](const Tuple& in, BasicCollector&) {
                  if (!intact(in, kSize)) broken->fetch_add(1);
                  seen->add(in.int64(0));
              })
        .parallelism(3)
        .all("pass");

    Running run(t, config({{"topology.max.tuple.bytes", "2097152"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(3));
    EXPECT_EQ(broken->load(), 0);
}

TEST_P(EngineFlow, SmallAndLargeRowsFromOneTaskStayInOrder) {
    constexpr std::int64_t kCount = 2'000;
    const auto disorder = std::make_shared<std::atomic<int>>(0);
    const auto size_of = [](std::int64_t n) {
        return static_cast<std::size_t>(n % 50 == 0 ? 300'000 : n % 11 == 0 ? 17'000 : 10);
    };
    t.spout<AnySpout>("texts", kNText, texts(kCount, size_of));
    t.bolt_fn("sink", {}, [=, next = std::int64_t{0}](const Tuple& in, BasicCollector&) mutable {
         if (in.int64(0) != next++ || !intact(in, size_of(in.int64(0)))) disorder->fetch_add(1);
     }).shuffle("texts");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(disorder->load(), 0);
    EXPECT_EQ(run.of("sink").inputs.at(0).executed, kCount);
}

TEST(EngineWindows, AWorkerSharesItsBufferAmongTheChannelsThatEndInIt) {
    // 80,000 channels in all, of which 1,600 end in each of the 50 workers.
    constexpr std::uint32_t kWorkers = 50;
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 1).parallelism(200);
    t.bolt_fn("sink", {}, swallow).parallelism(400).shuffle("numbers");
    worker::Share share{.own = 7, .workers = kWorkers, .worker_of_executor = {}};
    for (std::uint32_t i = 0; i < 600; ++i) share.worker_of_executor.push_back(i % kWorkers);
    const base::SteadyClock clock;

    const worker::Engine engine(t.build(), config_of({2, false}), clock, share);

    EXPECT_EQ(engine.shared().limits.window_bytes_elsewhere,
              static_cast<std::uint64_t>(engine.shared().limits.budget_bytes) / 1'600);
}

// ---- Too much at once --------------------------------------------------------------------------

// Here the system gives no thread in which an emit could wait. Where it does, see
// engine_burst_test.cc.

constexpr int kBurstRows = 12;
constexpr std::size_t kBurstRowBytes = 256 * 1024;

TEST_P(EngineFlow, ACallThatEmitsTooMuchFailsItsTupleAsOverflowAndTheNextOneIsFine) {
    const auto seen = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", 40, outcomes);
    t.bolt_fn("burst", {"n", "text"}, [](const Tuple& in, BasicCollector& out) {
         const std::string text(kBurstRowBytes, 'x');
         const int rows = in.int64(0) == 0 ? kBurstRows : 1;
         for (int i = 0; i < rows; ++i) out.emit(in.int64(0), text);
     }).shuffle("numbers");
    t.bolt_fn("sink", {}, [seen](const Tuple&, BasicCollector&) { seen->fetch_add(1); })
        .parallelism(2)
        .shuffle("burst");

    Running run(t, config({{"topology.executor.overshoot.bytes", "1048576"}}),
                give_no_more_threads);

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->told_again(), 0);
    if (GetParam().dedicated) {  // Its emit waits instead.
        EXPECT_EQ(outcomes->acked(), 40);
        EXPECT_EQ(seen->load(), 39 + kBurstRows);
    } else {
        EXPECT_EQ(outcomes->acked(), 39);
        EXPECT_EQ(outcomes->failed(FailReason::kOverflow), 1);
    }
}

TEST_P(EngineFlow, ATupleOfWhichSomeRowWasRefusedIsNeverAckedThoughAllOthersAre) {
    constexpr std::int64_t kCount = 1'000;
    const auto seen = std::make_shared<Tally>(kCount);
    const auto lost = std::make_shared<std::atomic<int>>(0);
    const auto told = outcomes;
    t.spout<AnySpout>(
         "numbers", kN,
         SpoutScript{.next =
                         [n = std::int64_t{0}](SpoutCollector& out) mutable {
                             if (n == kCount) {
                                 out.finished();
                                 return Next::kIdle;
                             }
                             out.emit_tracked(static_cast<MessageId>(n), n);
                             ++n;
                             return Next::kEmitted;
                         },
                     .open = {},
                     .ack =
                         [=](MessageId id) {
                             if (seen->of(static_cast<std::int64_t>(id)) != 3) lost->fetch_add(1);
                             told->ack(id);
                         },
                     .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }})
        .set("topology.max.spout.pending", "5");
    // A row fills a batch: the second closes the first, and the third is too much.
    t.bolt<AnyBolt>("burst", kNText,
                    BoltScript{.execute =
                                   [](const Tuple& in, BoltCollector& out) {
                                       const std::string text(20'000, 'x');
                                       const Tuple* const anchors[] = {&in};
                                       for (int i = 0; i < 3; ++i) {
                                           if (in.int64(0) % 2 == 0) {
                                               out.emit(in, in.int64(0), text);
                                           } else {
                                               out.emit(anchors, in.int64(0), text);
                                           }
                                       }
                                       out.ack(in);
                                   }})
        .shuffle("numbers");
    t.bolt_fn("sink", {}, [seen](const Tuple& in, BasicCollector&) { seen->add(in.int64(0)); })
        .parallelism(2)
        .shuffle("burst");

    Running run(t, config({{"topology.executor.overshoot.bytes", "1024"}}), give_no_more_threads);

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(lost->load(), 0);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_EQ(outcomes->failed(), outcomes->failed(FailReason::kOverflow));
    EXPECT_EQ(outcomes->acked() == kCount, GetParam().dedicated);
}

TEST_P(EngineFlow, ASpoutThatEmitsTooMuchInOneCallGetsOverflowForWhatWasRefused) {
    const auto told = outcomes;
    const auto seen = std::make_shared<Tally>(kBurstRows);
    t.spout<AnySpout>(
        "burst", kNText,
        SpoutScript{.next =
                        [done = false](SpoutCollector& out) mutable {
                            const std::string text(kBurstRowBytes, 'x');
                            for (int i = 0; i < kBurstRows && !done; ++i)
                                out.emit_tracked(static_cast<MessageId>(i), i, text);
                            done = true;
                            out.finished();
                            return Next::kEmitted;
                        },
                    .open = {},
                    .ack = [told](MessageId id) { told->ack(id); },
                    .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }});
    t.bolt_fn("sink", {}, [seen](const Tuple& in, BasicCollector&) { seen->add(in.int64(0)); })
        .parallelism(2)
        .shuffle("burst");

    Running run(t, config({{"topology.executor.overshoot.bytes", "1048576"}}),
                give_no_more_threads);

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->settled(), kBurstRows);
    EXPECT_EQ(outcomes->ids(), kBurstRows);
    EXPECT_EQ(outcomes->acked(), seen->sum());
    EXPECT_EQ(outcomes->failed(FailReason::kOverflow), kBurstRows - seen->sum());
    EXPECT_GE(outcomes->acked(), 4);
    EXPECT_EQ(outcomes->acked() == kBurstRows, GetParam().dedicated);
}

TEST_P(EngineFlow, UntrackedRowsThatAreRefusedAreCounted) {
    const auto seen = std::make_shared<std::atomic<std::uint64_t>>(0);
    t.spout<Numbers>("numbers", 1);
    t.bolt_fn("burst", {"text"}, [](const Tuple&, BasicCollector& out) {
         const std::string text(kBurstRowBytes, 'x');
         for (int i = 0; i < kBurstRows; ++i) out.emit(text);
     }).shuffle("numbers");
    t.bolt_fn("sink", {}, [seen](const Tuple&, BasicCollector&) {
         seen->fetch_add(1);
     }).shuffle("burst");

    Running run(t, config({{"topology.executor.overshoot.bytes", "1048576"}}),
                give_no_more_threads);

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(seen->load() + run.of("burst").dropped, kBurstRows);
    EXPECT_EQ(run.of("burst").dropped == 0, GetParam().dedicated);
}

// ---- Cycles ------------------------------------------------------------------------------------

/// The bolts left and right, who pass (root, depth) to each other; a row of depth d emits `fan`
/// rows of depth d - 1. What arrives after cleanup() is counted as late.
struct CycleCalls {
    std::shared_ptr<Tally> executed;
    std::shared_ptr<std::atomic<int>> finishes = std::make_shared<std::atomic<int>>(0);
    std::shared_ptr<std::atomic<int>> late = std::make_shared<std::atomic<int>>(0);
};

class Hop final : public BasicBolt {
public:
    Hop(CycleCalls calls, int fan, bool emits_on_tick)
        : calls_(std::move(calls)), fan_(fan), emits_on_tick_(emits_on_tick) {}
    void declare_outputs(Outputs& outputs) const override {
        outputs.stream({{"root", Kind::kInt64}, {"depth", Kind::kInt64}});
        outputs.stream("out", {{"root", Kind::kInt64}});
    }
    void execute(const Tuple& in, BasicCollector& out) override {
        if (cleaned_) calls_.late->fetch_add(1);
        if (in.is_tick()) {
            if (emits_on_tick_) out.emit(-1, 0);
            return;
        }
        if (in.int64(0) >= 0) calls_.executed->add(in.int64(0));
        if (in.int64(1) == 0) {
            out.on("out").emit(in.int64(0));
            return;
        }
        for (int i = 0; i < fan_; ++i) out.emit(in.int64(0), in.int64(1) - 1);
    }
    void finish(BasicCollector& out) override {
        calls_.finishes->fetch_add(1);
        out.emit(-1, 3);  // Goes round a little longer.
        out.on("out").emit(-2);
    }
    void cleanup() override { cleaned_ = true; }

private:
    const CycleCalls calls_;
    const int fan_;
    const bool emits_on_tick_;
    bool cleaned_ = false;
};

void add_cycle(TopologyBuilder& t, std::int64_t roots, std::int64_t depth, int fan,
               const CycleCalls& calls, const std::shared_ptr<Outcomes>& outcomes,
               milliseconds tick = milliseconds(0)) {
    t.spout<Numbers>("numbers", roots, outcomes);
    t.bolt_fn("enter", {{"root", Kind::kInt64}, {"depth", Kind::kInt64}},
              [depth](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0), depth); })
        .shuffle("numbers");
    auto& left = t.bolt<Hop>("left", calls, fan, tick.count() > 0);
    auto& right = t.bolt<Hop>("right", calls, fan, false);
    left.parallelism(2).tasks(3).shuffle("enter").shuffle("right");
    right.parallelism(2).fields("left", {"root"});
    if (tick.count() > 0) left.tick(tick);
}

TEST_P(EngineFlow, ACycleThatAmplifiesFailsTreesAsOverflowAndStaysBounded) {
    constexpr std::int64_t kRoots = 30;
    constexpr std::int64_t kDepth = 14;  // 2^15 - 1 executions for each root, if all goes well.
    CycleCalls calls;
    calls.executed = std::make_shared<Tally>(kRoots);
    const auto told = outcomes;
    add_cycle(t, kRoots, kDepth, 2, calls, told);
    const auto sunk = std::make_shared<std::atomic<std::int64_t>>(0);
    t.bolt_fn("sink", {}, [sunk](const Tuple&, BasicCollector&) { sunk->fetch_add(1); })
        .shuffle("left", "out")
        .shuffle("right", "out");

    Running run(t, config({{"topology.cycle.buffer.bytes", "1048576"}}));

    EXPECT_LE(most_in_flight(run), 8 * kMiB);
    EXPECT_EQ(outcomes->settled(), kRoots);
    EXPECT_EQ(outcomes->told_again(), 0);
    EXPECT_EQ(outcomes->failed(), outcomes->failed(FailReason::kOverflow));
    EXPECT_EQ(calls.finishes->load(), 5);
    EXPECT_EQ(calls.late->load(), 0);
    std::size_t complete = 0;
    for (std::int64_t root = 0; root < kRoots; ++root)
        complete += calls.executed->of(root) == (2 << kDepth) - 1 ? 1U : 0U;
    EXPECT_LE(outcomes->acked(), complete) << "acked though a part of the tree was refused";
}

TEST_P(EngineFlow, ACycleEndsWhenItsInputsHaveEndedAndItIsEmpty) {
    constexpr std::int64_t kRoots = 500;
    constexpr std::int64_t kDepth = 40;
    CycleCalls calls;
    calls.executed = std::make_shared<Tally>(kRoots);
    add_cycle(t, kRoots, kDepth, 1, calls, outcomes);
    const auto sunk = std::make_shared<std::atomic<int>>(0);
    const auto finishes = std::make_shared<std::atomic<int>>(0);
    t.bolt_fn("sink", {},
              [=](const Tuple& in, BasicCollector&) {
                  (in.int64(0) == -2 ? finishes : sunk)->fetch_add(1);
              })
        .shuffle("left", "out")
        .shuffle("right", "out");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kRoots);
    EXPECT_TRUE(calls.executed->all_are(kDepth + 1));
    EXPECT_EQ(calls.finishes->load(), 5);
    EXPECT_EQ(finishes->load(), 5);
    EXPECT_EQ(sunk->load(), kRoots + 5) << "what finish() emits into the cycle arrives too";
    EXPECT_EQ(calls.late->load(), 0);
}

TEST_P(EngineFlow, NothingIsExecutedInACycleAfterCleanupThoughItTicks) {
    for (int i = 0; i < 10; ++i) {
        TopologyBuilder each;
        CycleCalls calls;
        calls.executed = std::make_shared<Tally>(50);
        add_cycle(each, 50, 10, 1, calls, std::make_shared<Outcomes>(), milliseconds(1));
        each.bolt_fn("sink", {},
                     [](const Tuple&, BasicCollector&) { spin(std::chrono::microseconds(100)); })
            .shuffle("left", "out")
            .shuffle("right", "out");

        Running run(each, config());

        ASSERT_TRUE(run.finishes());
        ASSERT_EQ(calls.late->load(), 0);
    }
}

TEST_P(EngineFlow, ABoltMayListenToItself) {
    constexpr std::int64_t kCount = 1'000;
    const auto executed = std::make_shared<Tally>(kCount);
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt_fn("enter", {"n", "left"}, [](const Tuple& in, BasicCollector& out) {
         out.emit(in.int64(0), in.int64(0) % 10);
     }).shuffle("numbers");
    t.bolt_fn("self", {"n", "left"},
              [executed](const Tuple& in, BasicCollector& out) {
                  executed->add(in.int64(0));
                  if (in.int64(1) > 0) out.emit(in.int64(0), in.int64(1) - 1);
              })
        .parallelism(3)
        .shuffle("enter")
        .fields("self", {"n"});

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
    for (std::int64_t n = 0; n < kCount; ++n) ASSERT_EQ(executed->of(n), n % 10 + 1);
}

// The output of a call comes right back into the queue whose run is being executed.
TEST_P(EngineFlow, ABoltThatEmitsFarMoreToItselfThanItsQueueHoldsExecutesEachInputOnce) {
    struct Burst {
        std::int64_t rows;
        std::size_t bytes;
    };
    constexpr std::int64_t kInputs = 20;
    for (const Burst burst : {Burst{40, 4'000}, Burst{3'000, 40}, Burst{300, 4'000}}) {
        // One on a shared loop gets a thread of its own in the middle of the call.
        for (const auto& [blocking, overshoot] :
             {std::pair{true, "8388608"}, std::pair{false, "8388608"}, std::pair{false, "65536"}}) {
            SCOPED_TRACE(std::to_string(burst.rows) + " x " + std::to_string(burst.bytes) +
                         (blocking ? ", blocking()" : "") + ", overshoot " + overshoot);
            TopologyBuilder each;
            const auto told = std::make_shared<Outcomes>();
            const auto inputs = std::make_shared<Tally>(kInputs);
            const auto leaves = std::make_shared<Tally>(static_cast<std::size_t>(burst.rows));
            const auto broken = std::make_shared<std::atomic<int>>(0);
            each.spout<Numbers>("numbers", 5, told);
            auto& self = each.bolt_fn("self", {"n", "text", "level"},
                                      [=](const Tuple& in, BasicCollector& out) {
                                          if (in.source_component() == "numbers") {
                                              for (std::int64_t i = 0; i < 4; ++i)
                                                  out.emit(4 * in.int64(0) + i, "input", 1);
                                          } else if (in.int64(2) == 1) {
                                              inputs->add(in.int64(0));
                                              const std::string text(burst.bytes, 'y');
                                              for (std::int64_t i = 0; i < burst.rows; ++i)
                                                  out.emit(i, text, 2);
                                              if (in.string(1) != "input") broken->fetch_add(1);
                                          } else {
                                              leaves->add(in.int64(0));
                                              if (in.string(1).size() != burst.bytes)
                                                  broken->fetch_add(1);
                                          }
                                      });
            self.shuffle("numbers").shuffle("self");
            if (blocking) self.blocking();

            Running run(each, config({{"topology.executor.overshoot.bytes", overshoot}}));

            ASSERT_TRUE(run.finishes());
            EXPECT_TRUE(inputs->all_are(1));
            EXPECT_TRUE(leaves->all_are(kInputs));
            EXPECT_EQ(broken->load(), 0);
            EXPECT_EQ(told->acked(), 5);
            EXPECT_EQ(told->settled(), 5);
        }
    }
}

TEST_P(EngineFlow, ACycleBehindASlowSinkWaitsForItWithoutDeadlock) {
    constexpr std::int64_t kRoots = 2'000;
    CycleCalls calls;
    calls.executed = std::make_shared<Tally>(kRoots);
    add_cycle(t, kRoots, 5, 1, calls, outcomes);
    t.bolt_fn("sink", {},
              [](const Tuple&, BasicCollector&) { spin(std::chrono::microseconds(50)); })
        .shuffle("left", "out")
        .shuffle("right", "out");

    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"},
                           {"topology.cycle.buffer.bytes", "1048576"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kRoots);
}

}  // namespace
}  // namespace storm::testing

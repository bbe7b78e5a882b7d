// Goal:   a topology starts, runs, ends and stops as promised: end of stream and finish() exactly
//         once per task, drain, stop, ticks, post(), wakers, errors at start-up, and no work when
//         there is none.
// Method: small topologies run in this process, on one, two and three loops and with a thread for
//         each executor. What does not end in time has hung.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/storm.h>
#include <sys/resource.h>

#include "tests/support/any_topology.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using State = worker::Engine::State;

const Streams kNoStreams;
const Streams kN = default_stream({{"n", Kind::kInt64}});

void swallow(const Tuple&, BasicCollector&) {}

/// How often threads of this process went to sleep.
std::int64_t waits() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::int64_t millis_since(steady_clock::time_point start) {
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start).count();
}

class Engine : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }

    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
};

INSTANTIATE_TEST_SUITE_P(Threads, Engine, all_threads(), name_of);

/// Emits untracked numbers for ever.
SpoutScript endless() {
    return {.next = [n = std::int64_t{0}](SpoutCollector& out) mutable {
        out.emit(n++);
        return Next::kEmitted;
    }};
}

/// Emits tracked numbers for ever.
SpoutScript endless_tracked(std::shared_ptr<Outcomes> outcomes) {
    return {.next =
                [n = std::int64_t{0}](SpoutCollector& out) mutable {
                    out.emit_tracked(static_cast<MessageId>(n), n);
                    ++n;
                    return Next::kEmitted;
                },
            .ack = [outcomes](MessageId id) { outcomes->ack(id); },
            .fail = [outcomes](MessageId id, FailReason why) { outcomes->fail(id, why); }};
}

/// Has nothing to emit, and does not end.
SpoutScript silent() {
    return {.next = [](SpoutCollector&) { return Next::kIdle; }};
}

// ---- Finite streams ----------------------------------------------------------------------------

TEST_P(Engine, TheTailOfAnUntrackedFiniteStreamArrivesCompletely) {
    constexpr std::int64_t kCount = 50'000;
    const auto seen = std::make_shared<Tally>(kCount);
    const auto pass = [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0)); };
    t.spout<Numbers>("numbers", kCount).parallelism(3);
    t.bolt_fn("a", {{"n", Kind::kInt64}}, pass).parallelism(2).shuffle("numbers");
    t.bolt_fn("b", {{"n", Kind::kInt64}}, pass).parallelism(3).fields("a", {"n"});
    t.bolt_fn("c", {{"n", Kind::kInt64}}, pass).parallelism(2).tasks(5).partial_key("b", {"n"});
    t.bolt_fn("sink", {}, [seen](const Tuple& in, BasicCollector&) { seen->add(in.int64(0)); })
        .parallelism(2)
        .none("c");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_TRUE(run.empties());
}

TEST_P(Engine, FinishComesOncePerTaskAfterAllInputsAndItsOutputReachesDownstream) {
    constexpr std::int64_t kCount = 1'000;
    constexpr int kTasks = 5;
    struct Seen {
        Tally sums{kTasks};
        Tally cleanups{kTasks};
        std::atomic<std::int64_t> total{0};
        std::atomic<int> late{0};
    };
    const auto seen = std::make_shared<Seen>();
    t.spout<Numbers>("numbers", kCount).parallelism(2);
    t.spout<Numbers>("more", kCount).parallelism(1);
    struct Sum {
        std::int64_t sum = 0;
        std::int64_t index = 0;
        bool finished = false;
        bool cleaned = false;
    };
    class Summing final : public BasicBolt {
    public:
        explicit Summing(std::shared_ptr<Seen> seen) : seen_(std::move(seen)) {}
        void declare_outputs(Outputs& outputs) const override {
            outputs.stream({{"index", Kind::kInt64}, {"sum", Kind::kInt64}});
        }
        void prepare(const TaskContext& context) override { own_.index = context.index(); }
        void execute(const Tuple& in, BasicCollector&) override {
            if (own_.finished) seen_->late.fetch_add(1);
            own_.sum += in.int64(0);
        }
        void finish(BasicCollector& out) override {
            if (own_.finished || own_.cleaned) seen_->late.fetch_add(1);
            own_.finished = true;
            out.emit(own_.index, own_.sum);
        }
        void cleanup() override {
            own_.cleaned = true;
            seen_->cleanups.add(own_.index);
        }

    private:
        const std::shared_ptr<Seen> seen_;
        Sum own_;
    };
    t.bolt<Summing>("sum", seen).parallelism(2).tasks(kTasks).shuffle("numbers").shuffle("more");
    t.bolt_fn("total", {}, [seen](const Tuple& in, BasicCollector&) {
         seen->sums.add(in.int64(0));
         seen->total.fetch_add(in.int64(1));
     }).shuffle("sum");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->sums.all_are(1));
    EXPECT_TRUE(seen->cleanups.all_are(1));
    EXPECT_EQ(seen->total.load(), kCount * (kCount - 1));
    EXPECT_EQ(seen->late.load(), 0);
}

TEST_P(Engine, FinishTravelsDownAChainOfBolts) {
    const auto order = std::make_shared<std::pair<std::mutex, std::vector<std::string>>>();
    const auto noting = [order](const char* name) {
        return BasicScript{
            .execute = [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0)); },
            .prepare = {},
            .finish =
                [order, name](BasicCollector& out) {
                    out.emit(std::int64_t{-1});
                    const std::lock_guard lock(order->first);
                    order->second.emplace_back(name);
                }};
    };
    const auto from_finish = std::make_shared<std::atomic<int>>(0);
    t.bolt<AnyBasicBolt>("c", kN, noting("c")).shuffle("b");
    t.bolt<AnyBasicBolt>("b", kN, noting("b")).shuffle("a");
    t.bolt<AnyBasicBolt>("a", kN, noting("a")).shuffle("numbers");
    t.bolt_fn("sink", {}, [from_finish](const Tuple& in, BasicCollector&) {
         if (in.int64(0) < 0) from_finish->fetch_add(1);
     }).shuffle("c");
    t.spout<Numbers>("numbers", 10);

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_THAT(order->second, ElementsAre("a", "b", "c"));
    EXPECT_EQ(from_finish->load(), 3);
}

TEST_P(Engine, FinishMayEmitMuchMoreThanThereIsCreditFor) {
    constexpr std::int64_t kCount = 20'000;
    const auto seen = std::make_shared<Tally>(kCount);
    t.spout<Numbers>("numbers", 1);
    t.bolt<AnyBasicBolt>("burst", kN,
                         BasicScript{.execute = swallow,
                                     .prepare = {},
                                     .finish =
                                         [](BasicCollector& out) {
                                             for (std::int64_t n = 0; n < kCount; ++n) out.emit(n);
                                         }})
        .shuffle("numbers");
    t.bolt_fn("sink", {}, [seen](const Tuple& in, BasicCollector&) { seen->add(in.int64(0)); })
        .parallelism(2)
        .shuffle("burst");

    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
}

TEST_P(Engine, AnExceptionInCleanupIsReportedAndTheTopologyEnds) {
    t.spout<Numbers>("numbers", 10);
    t.bolt<AnyBasicBolt>("bolt", kNoStreams,
                         BasicScript{.execute = swallow,
                                     .prepare = {},
                                     .finish = {},
                                     .cleanup = [] { throw std::runtime_error("boom"); }})
        .parallelism(2)
        .shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(run.of("bolt").errors, 2);
}

TEST_P(Engine, AnExceptionInFinishFailsTheTopologyWhichEndsNevertheless) {
    const auto finishes = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", 10);
    t.bolt<AnyBasicBolt>(
         "bolt", kN,
         BasicScript{
             .execute = swallow, .prepare = {}, .finish = [](BasicCollector&) { throw 42; }})
        .parallelism(2)
        .shuffle("numbers");
    t.bolt<AnyBasicBolt>("sink", kNoStreams,
                         BasicScript{.execute = swallow,
                                     .prepare = {},
                                     .finish = [finishes](BasicCollector&) { ++*finishes; }})
        .shuffle("bolt");

    Running run(t, config());

    EXPECT_EQ(run.engine().wait(kPatience.count() * base::kMicrosPerSecond), State::kFailed);
    EXPECT_THAT(run.engine().failure(), HasSubstr("\"bolt\""));
    EXPECT_EQ(run.of("bolt").errors, 2);
    EXPECT_EQ(finishes->load(), 1);
}

TEST_P(Engine, AnExceptionInInputsEndedIsToldAsThat) {
    t.spout<Numbers>("numbers", 10);
    t.bolt<AnyBolt>("bolt", kNoStreams,
                    BoltScript{.execute = [](const Tuple& in, BoltCollector& out) { out.ack(in); },
                               .inputs_ended = [](BoltCollector&) { throw 42; }})
        .shuffle("numbers");

    Running run(t, config());

    EXPECT_EQ(run.engine().wait(kPatience.count() * base::kMicrosPerSecond), State::kFailed);
    EXPECT_EQ(run.engine().failure(), "inputs_ended() of \"bolt\" failed");
}

TEST_P(Engine, WhatIsEmittedInOpenAndPrepareArrives) {
    const auto seen = std::make_shared<Tally>(2);
    t.spout<AnySpout>(
        "spout", kN,
        SpoutScript{.next = [](SpoutCollector&) { return Next::kIdle; },
                    .open = [](const TaskContext&, SpoutCollector& out) { out.emit(0); }});
    t.bolt<AnyBolt>("bolt", kN,
                    BoltScript{.execute = [](const Tuple& in, BoltCollector& out) { out.ack(in); },
                               .prepare = [](const TaskContext&,
                                             BoltCollector& out) { out.emit_unanchored(1); }})
        .shuffle("other");
    t.spout<AnySpout>("other", kN, silent());
    t.bolt_fn("sink", {}, [seen](const Tuple& in, BasicCollector&) { seen->add(in.int64(0)); })
        .shuffle("spout")
        .shuffle("bolt");

    Running run(t, config());

    EXPECT_TRUE(eventually([&] { return seen->of(0) == 1; }, milliseconds(2'000)));
    EXPECT_TRUE(eventually([&] { return seen->of(1) == 1; }, milliseconds(2'000)))
        << "what prepare() emitted waits until its bolt has something else to do";
}

// ---- Stopping ----------------------------------------------------------------------------------

TEST_P(Engine, DrainEndsAnEndlessTopologySoonAndSettlesAllTuples) {
    const auto told = outcomes;
    const auto calls = std::make_shared<Tally>(3);  // activate, deactivate, close
    SpoutScript script = endless_tracked(told);
    script.activate = [calls] { calls->add(0); };
    script.deactivate = [calls] { calls->add(1); };
    script.close = [calls] { calls->add(2); };
    t.spout<AnySpout>("numbers", kN, script).parallelism(2);
    t.bolt_fn("pass", {{"n", Kind::kInt64}},
              [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0)); })
        .parallelism(2)
        .shuffle("numbers");
    t.bolt_fn("sink", {}, swallow).parallelism(2).shuffle("pass");
    Running run(t, config({{"topology.max.spout.pending", "1000"}}));
    ASSERT_TRUE(eventually([&] { return calls->of(0) == 2 && outcomes->settled() > 2'000; }));

    const auto start = steady_clock::now();
    run.engine().drain();

    ASSERT_TRUE(run.finishes());
    EXPECT_LT(millis_since(start), kSanitized ? 5'000 : 500);
    EXPECT_EQ(run.engine().pending(), 0);
    EXPECT_EQ(outcomes->acked(), run.of("numbers").acked);
    EXPECT_EQ(outcomes->failed(), 0);
    EXPECT_TRUE(calls->all_are(2));
    EXPECT_EQ(run.of("sink").inputs.at(0).executed, run.of("pass").streams.at(0).emitted);
}

TEST_P(Engine, DrainWaitsForWhatABoltKeeps) {
    const auto told = outcomes;
    t.spout<AnySpout>("numbers", kN, endless_tracked(told));
    t.bolt<AnyBolt>("keeper", kNoStreams,
                    BoltScript{.execute =
                                   [kept = std::make_shared<std::vector<Kept>>()](
                                       const Tuple& in, BoltCollector& out) {
                                       if (!in.is_tick()) kept->push_back(out.keep(in));
                                       if (!in.is_tick()) return;
                                       for (Kept& one : *kept) out.ack(std::move(one));
                                       kept->clear();
                                   }})
        .tick(milliseconds(100))
        .shuffle("numbers");
    Running run(t, config({{"topology.max.spout.pending", "100"}}));
    ASSERT_TRUE(eventually([&] { return outcomes->settled() > 50; }));

    run.engine().drain();

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(run.engine().pending(), 0);
    EXPECT_EQ(outcomes->failed(), 0);
}

TEST_P(Engine, DrainRightAfterStartEnds) {
    t.spout<AnySpout>("numbers", kN, endless());
    t.bolt_fn("sink", {}, swallow).shuffle("numbers");
    Running run(t, config());

    run.engine().drain();

    EXPECT_TRUE(run.finishes());
}

TEST_P(Engine, ADrainedSpoutThatWasIdleCostsNothingWhileBoltsGoOn) {
    const auto release = std::make_shared<std::atomic<bool>>(false);
    const auto kept = std::make_shared<Kept>();
    t.spout<AnySpout>("idle", kN, silent());
    t.spout<AnySpout>("once", kN, SpoutScript{.next = [n = 0](SpoutCollector& out) mutable {
                          if (n++ > 0) return Next::kIdle;
                          out.emit_tracked(1, 1);
                          return Next::kEmitted;
                      }});
    t.bolt<AnyBolt>("keeper", kNoStreams,
                    BoltScript{.execute =
                                   [kept, release](const Tuple& in, BoltCollector& out) {
                                       if (!in.is_tick()) *kept = out.keep(in);
                                       if (release->load() && *kept) out.ack(std::move(*kept));
                                   }})
        .tick(milliseconds(100))
        .shuffle("idle")
        .shuffle("once");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return run.of("keeper").inputs.at(1).executed == 1; }));
    run.engine().drain();
    std::this_thread::sleep_for(milliseconds(100));

    const double before = cpu_seconds();
    std::this_thread::sleep_for(milliseconds(500));
    const double used = cpu_seconds() - before;

    EXPECT_LT(used, 0.05);
    release->store(true);
    EXPECT_TRUE(run.finishes());
}

TEST_P(Engine, StopEndsABusyTopologyAtOnce) {
    t.spout<AnySpout>("numbers", kN, endless_tracked(outcomes)).parallelism(2);
    t.bolt_fn("pass", {{"n", Kind::kInt64}},
              [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0)); })
        .parallelism(3)
        .shuffle("numbers");
    t.bolt_fn("sink", {}, swallow).parallelism(2).fields("pass", {"n"});
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return outcomes->settled() > 1'000; }));

    const auto start = steady_clock::now();
    ASSERT_TRUE(run.stop());

    EXPECT_LT(millis_since(start), kSanitized ? 5'000 : 500);
}

TEST_P(Engine, StopFreesAnExecutorThatWaitsForCredit) {
    struct Gate {
        std::mutex mutex;
        std::condition_variable changed;
        bool open = false;
    };
    const auto gate = std::make_shared<Gate>();
    t.spout<AnySpout>("numbers", kN, endless()).parallelism(2);
    t.bolt_fn("stuck", {},
              [gate](const Tuple&, BasicCollector&) {
                  std::unique_lock lock(gate->mutex);
                  gate->changed.wait(lock, [&] { return gate->open; });
              })
        .blocking()
        .shuffle("numbers");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] {
        const std::uint64_t before = run.of("numbers").streams.at(0).emitted;
        std::this_thread::sleep_for(milliseconds(20));
        return before > 0 && run.of("numbers").streams.at(0).emitted == before;
    }));

    EXPECT_FALSE(run.engine().stop(100 * base::kMicrosPerMilli)) << "user code does not return";
    {
        const std::lock_guard lock(gate->mutex);
        gate->open = true;
    }
    gate->changed.notify_all();

    EXPECT_TRUE(run.stop());
}

// ---- Start-up that fails -----------------------------------------------------------------------

TEST_P(Engine, AThrowInPrepareStopsWithItsMessageAndNothingIsExecutedUnprepared) {
    const auto unprepared = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("numbers", kN, endless()).parallelism(2);
    class Fragile final : public Bolt {
    public:
        explicit Fragile(std::shared_ptr<std::atomic<int>> unprepared)
            : unprepared_(std::move(unprepared)) {}
        void prepare(const TaskContext& context, BoltCollector&) override {
            if (context.index() == 1) throw std::runtime_error("no table \"words\"");
            prepared_ = true;
        }
        void execute(const Tuple& in, BoltCollector& out) override {
            if (!prepared_) unprepared_->fetch_add(1);
            out.ack(in);
        }

    private:
        const std::shared_ptr<std::atomic<int>> unprepared_;
        bool prepared_ = false;
    };
    t.bolt<Fragile>("first", unprepared).parallelism(6).shuffle("numbers");
    t.bolt<Fragile>("second", unprepared).parallelism(2).tasks(6).shuffle("numbers");

    Running run(t, config());

    EXPECT_EQ(run.engine().wait(kPatience.count() * base::kMicrosPerSecond), State::kFailed);
    EXPECT_THAT(run.engine().failure(), HasSubstr("no table \"words\""));
    std::this_thread::sleep_for(milliseconds(50));
    ASSERT_TRUE(run.stop());
    EXPECT_EQ(unprepared->load(), 0);
}

TEST_P(Engine, AThrowOfNoStdExceptionInPrepareOrOpenStopsToo) {
    t.spout<AnySpout>("numbers", kN,
                      SpoutScript{.next = [](SpoutCollector&) { return Next::kIdle; },
                                  .open = [](const TaskContext&, SpoutCollector&) { throw 42; }});
    t.bolt<AnyBasicBolt>(
         "bolt", kNoStreams,
         BasicScript{.execute = swallow, .prepare = [](const TaskContext&) { throw 42; }})
        .shuffle("numbers");

    Running run(t, config());

    EXPECT_EQ(run.engine().wait(kPatience.count() * base::kMicrosPerSecond), State::kFailed);
    EXPECT_FALSE(run.engine().failure().empty());
}

TEST_P(Engine, AThrowInOpenStopsWithItsMessageAndItsSiblingsAreNotRunUnopened) {
    const auto unopened = std::make_shared<std::atomic<int>>(0);
    class Fragile final : public Spout {
    public:
        explicit Fragile(std::shared_ptr<std::atomic<int>> unopened)
            : unopened_(std::move(unopened)) {}
        void declare_outputs(Outputs& outputs) const override { outputs.stream({"n"}); }
        void open(const TaskContext& context, SpoutCollector&) override {
            if (context.index() == 1) throw std::runtime_error("no such file");
            opened_ = true;
            context.post([] {});
        }
        Next next_tuple(SpoutCollector&) override {
            if (!opened_) unopened_->fetch_add(1);
            return Next::kIdle;
        }

    private:
        const std::shared_ptr<std::atomic<int>> unopened_;
        bool opened_ = false;
    };
    t.spout<Fragile>("numbers", unopened).parallelism(2).tasks(6);
    t.bolt_fn("sink", {}, swallow).shuffle("numbers");

    Running run(t, config());

    EXPECT_EQ(run.engine().wait(kPatience.count() * base::kMicrosPerSecond), State::kFailed);
    EXPECT_THAT(run.engine().failure(), HasSubstr("no such file"));
    run.engine().drain();
    std::this_thread::sleep_for(milliseconds(50));
    ASSERT_TRUE(run.stop());
    EXPECT_EQ(unopened->load(), 0);
}

TEST_P(Engine, WhatATaskHandedOutBeforeItFailedToOpenMayOutliveTheEngine) {
    const auto waker = std::make_shared<std::function<void()>>();
    const auto context = std::make_shared<std::optional<TaskContext>>();
    {
        t.spout<AnySpout>(
            "numbers", kN,
            SpoutScript{.next = [](SpoutCollector&) { return Next::kIdle; },
                        .open =
                            [waker, context](const TaskContext& c, SpoutCollector& out) {
                                *waker = out.waker();
                                context->emplace(c);
                                throw std::runtime_error("no");
                            }});
        t.bolt_fn("sink", {}, swallow).shuffle("numbers");
        Running run(t, config());
        run.engine().wait(kPatience.count() * base::kMicrosPerSecond);
    }

    (*waker)();
    EXPECT_FALSE((*context)->post([] {}));
}

TEST_P(Engine, AnEngineThatNeverStartedCanGo) {
    t.spout<AnySpout>("numbers", kN, endless());
    t.bolt_fn("sink", {}, swallow).shuffle("numbers");
    const base::SteadyClock clock;

    const worker::Engine engine(t.build(), config(), clock);

    EXPECT_EQ(engine.pending(), 0);
}

TEST_P(Engine, AnExceptionInActivateOrDeactivateIsReported) {
    t.spout<AnySpout>("numbers", kN,
                      SpoutScript{.next =
                                      [n = 0](SpoutCollector& out) mutable {
                                          out.emit(n++);
                                          return Next::kEmitted;
                                      },
                                  .open = {},
                                  .ack = {},
                                  .fail = {},
                                  .activate = [] { throw 42; },
                                  .deactivate = [] { throw std::runtime_error("boom"); }});
    t.bolt_fn("sink", {}, swallow).shuffle("numbers");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return run.of("sink").inputs.at(0).executed > 100; }));

    run.engine().drain();

    EXPECT_TRUE(run.finishes());
    EXPECT_EQ(run.of("numbers").errors, 2);
}

// ---- Called from outside -----------------------------------------------------------------------

TEST_P(Engine, AWakerFromAnotherThreadEndsTheWaitOfAnIdleSpout) {
    struct Queue {
        std::mutex mutex;
        std::vector<std::int64_t> numbers;
        std::function<void()> waker;
    };
    const auto queue = std::make_shared<Queue>();
    const auto told = outcomes;
    t.spout<AnySpout>("queue", kN,
                      SpoutScript{.next =
                                      [queue](SpoutCollector& out) {
                                          const std::lock_guard lock(queue->mutex);
                                          if (queue->numbers.empty()) return Next::kIdle;
                                          const std::int64_t n = queue->numbers.back();
                                          queue->numbers.pop_back();
                                          out.emit_tracked(static_cast<MessageId>(n), n);
                                          return Next::kEmitted;
                                      },
                                  .open =
                                      [queue](const TaskContext&, SpoutCollector& out) {
                                          const std::lock_guard lock(queue->mutex);
                                          queue->waker = out.waker();
                                      },
                                  .ack = [told](MessageId id) { told->ack(id); }});
    t.bolt_fn("sink", {}, swallow).shuffle("queue");
    Running run(t, config({{"topology.sleep.spout.wait.strategy.time.ms", "1000"}}));
    const auto waker = [&] {
        const std::lock_guard lock(queue->mutex);
        return queue->waker;
    };
    ASSERT_TRUE(eventually([&] { return waker() != nullptr; }));
    std::this_thread::sleep_for(milliseconds(1'200));  // Its waits have become long by now.

    std::int64_t longest = 0;
    for (std::int64_t n = 0; n < 20; ++n) {
        const auto start = steady_clock::now();
        {
            const std::lock_guard lock(queue->mutex);
            queue->numbers.push_back(n);
        }
        waker()();
        ASSERT_TRUE(
            eventually([&] { return outcomes->acked() == static_cast<std::size_t>(n) + 1; }));
        longest = std::max(longest, millis_since(start));
    }

    EXPECT_LT(longest, 100);
    ASSERT_TRUE(run.stop());
    waker()();  // After the end it does nothing.
}

TEST_P(Engine, PostsFromManyThreadsRunOnceEachBetweenTwoCallsOfTheirTask) {
    constexpr int kPosts = 2'000;
    struct Shared {
        std::mutex mutex;
        std::optional<TaskContext> context;
        std::atomic<int> inside{0};
        std::atomic<int> overlaps{0};
        std::atomic<int> ran{0};
    };
    const auto shared = std::make_shared<Shared>();
    const auto busy = [shared] {
        if (shared->inside.fetch_add(1) != 0) shared->overlaps.fetch_add(1);
        shared->inside.fetch_sub(1);
    };
    t.spout<AnySpout>("numbers", kN, endless());
    t.bolt<AnyBasicBolt>("bolt", kNoStreams,
                         BasicScript{.execute = [busy](const Tuple&, BasicCollector&) { busy(); },
                                     .prepare =
                                         [shared](const TaskContext& context) {
                                             const std::lock_guard lock(shared->mutex);
                                             shared->context.emplace(context);
                                         }})
        .shuffle("numbers");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] {
        const std::lock_guard lock(shared->mutex);
        return shared->context.has_value();
    }));

    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&, context = *shared->context] {
                for (int j = 0; j < kPosts; ++j) {
                    context.post([shared, busy, only = std::make_unique<int>(1)] {
                        busy();
                        shared->ran.fetch_add(*only);
                    });
                }
            });
        }
    }

    EXPECT_TRUE(eventually([&] { return shared->ran.load() == 4 * kPosts; }));
    EXPECT_EQ(shared->overlaps.load(), 0);
    ASSERT_TRUE(run.stop());
    EXPECT_FALSE(shared->context->post([] {}));
    EXPECT_EQ(shared->ran.load(), 4 * kPosts);
}

TEST_P(Engine, WhatIsPostedMayThrowAndMayEmit) {
    const auto context = std::make_shared<std::optional<TaskContext>>();
    const auto collector = std::make_shared<std::optional<BoltCollector>>();
    const auto ready = std::make_shared<std::atomic<bool>>(false);
    const auto seen = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("silent", kN, silent());
    t.bolt<AnyBolt>("bolt", kN,
                    BoltScript{.execute = [](const Tuple& in, BoltCollector& out) { out.ack(in); },
                               .prepare =
                                   [=](const TaskContext& c, BoltCollector& out) {
                                       context->emplace(c);
                                       collector->emplace(out);
                                       ready->store(true);
                                   }})
        .shuffle("silent");
    t.bolt_fn("sink", {}, [seen](const Tuple&, BasicCollector&) {
         seen->fetch_add(1);
     }).shuffle("bolt");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return ready->load(); }));

    (*context)->post([] { throw std::runtime_error("boom"); });
    (*context)->post([] { throw 42; });
    (*context)->post([collector] { (*collector)->emit_unanchored(1); });

    EXPECT_TRUE(eventually([&] { return seen->load() == 1; }));
    EXPECT_EQ(run.of("bolt").errors, 2);
}

// ---- Ticks -------------------------------------------------------------------------------------

TEST_P(Engine, TicksComeToEveryTaskAndCanBeTold) {
    constexpr int kTasks = 4;
    const auto ticks = std::make_shared<Tally>(kTasks);
    const auto odd = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("silent", kN, silent());
    t.bolt<AnyBasicBolt>("bolt", kNoStreams,
                         BasicScript{.execute =
                                         [ticks, odd, index = std::make_shared<int>(-1)](
                                             const Tuple& in, BasicCollector&) {
                                             if (!in.is_tick() ||
                                                 in.source_component() != "__system" ||
                                                 in.source_stream() != "__tick")
                                                 odd->fetch_add(1);
                                         }})
        .parallelism(2)
        .tasks(kTasks)
        .tick(milliseconds(20))
        .shuffle("silent");

    Running run(t, config());

    EXPECT_TRUE(eventually([&] { return run.of("bolt").inputs.back().executed >= 4 * 10; }));
    const std::uint64_t before = run.of("bolt").inputs.back().executed;
    std::this_thread::sleep_for(milliseconds(400));
    const std::uint64_t more = run.of("bolt").inputs.back().executed - before;
    EXPECT_LE(more, kTasks * (400 / 20 + 4));
    EXPECT_GE(more, kTasks * (400 / 20 / 4));
    EXPECT_EQ(odd->load(), 0);
    EXPECT_EQ(run.of("bolt").inputs.back().failed, 0);
}

TEST_P(Engine, TicksArriveWhileTheirBoltHasMoreInputThanItCanTake) {
    const auto ticks = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("numbers", kN, endless());
    t.bolt_fn("bolt", {},
              [ticks](const Tuple& in, BasicCollector&) {
                  if (in.is_tick()) ticks->fetch_add(1);
                  const auto until = steady_clock::now() + std::chrono::microseconds(50);
                  while (steady_clock::now() < until) {
                  }
              })
        .tick(milliseconds(20))
        .shuffle("numbers");

    Running run(t, config());

    EXPECT_TRUE(eventually([&] { return ticks->load() >= 10; }, milliseconds(3'000)));
}

TEST_P(Engine, TicksThatABoltWasTooBusyForAreNotMadeUpFor) {
    const auto ticks = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", 3);
    t.bolt_fn("bolt", {},
              [ticks](const Tuple& in, BasicCollector&) {
                  if (in.is_tick()) ticks->fetch_add(1);
                  if (!in.is_tick()) std::this_thread::sleep_for(milliseconds(200));
              })
        .tick(milliseconds(10))
        .shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_LE(ticks->load(), 2 * 4);
}

TEST_P(Engine, ABoltThatEmitsOnTicksOnlyIsHeardDownstream) {
    const auto seen = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("silent", kN, silent());
    t.bolt_fn("bolt", {{"n", Kind::kInt64}}, [](const Tuple&, BasicCollector& out) { out.emit(1); })
        .tick(milliseconds(10))
        .shuffle("silent");
    t.bolt_fn("sink", {}, [seen](const Tuple&, BasicCollector&) {
         seen->fetch_add(1);
     }).shuffle("bolt");

    Running run(t, config());

    EXPECT_TRUE(eventually([&] { return seen->load() >= 10; }));
}

TEST_P(Engine, ATickThatIsKeptAckedOrFailedDisturbsNothing) {
    t.spout<Numbers>("numbers", 10, outcomes);
    t.bolt<AnyBolt>("bolt", kN,
                    BoltScript{.execute =
                                   [n = 0](const Tuple& in, BoltCollector& out) mutable {
                                       if (!in.is_tick()) {
                                           std::this_thread::sleep_for(milliseconds(5));
                                           return out.ack(in);
                                       }
                                       switch (n++ % 4) {
                                           case 0:
                                               return out.ack(in);
                                           case 1:
                                               return out.fail(in);
                                           case 2:
                                               return out.ack(out.keep(in));
                                           default:
                                               out.reset_timeout(in);
                                               return out.emit(in, 1);
                                       }
                                   }})
        .tick(milliseconds(1))
        .shuffle("numbers");
    t.bolt_fn("sink", {}, swallow).shuffle("bolt");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 10);
    EXPECT_EQ(run.of("bolt").errors, 0);
}

// ---- Tasks and settings ------------------------------------------------------------------------

TEST_P(Engine, SeveralTasksOfAnExecutorHaveAnObjectAndAContextEach) {
    constexpr int kTasks = 7;
    constexpr std::int64_t kCount = 700;
    struct Shared {
        Tally prepared{kTasks};
        std::atomic<int> strangers{0};
        std::mutex mutex;
        std::set<TaskId> ids;
        std::vector<TaskId> all;
    };
    const auto shared = std::make_shared<Shared>();
    class Own final : public BasicBolt {
    public:
        explicit Own(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
        void declare_outputs(Outputs& outputs) const override { outputs.stream({"index"}); }
        void prepare(const TaskContext& context) override {
            shared_->prepared.add(context.index());
            index_ = context.index();
            const std::lock_guard lock(shared_->mutex);
            shared_->ids.insert(context.task());
            shared_->all = context.tasks_of("bolt");
            if (context.config().string("mine") != "bolt" ||
                context.config().string("yours") != "topology" ||
                !context.tasks_of("nobody").empty() || context.component() != "bolt")
                shared_->strangers.fetch_add(1);
        }
        void execute(const Tuple&, BasicCollector& out) override { out.emit(index_); }

    private:
        const std::shared_ptr<Shared> shared_;
        int index_ = -1;
    };
    const auto by_source = std::make_shared<std::map<TaskId, std::set<std::int64_t>>>();
    t.spout<Numbers>("numbers", kCount);
    t.bolt<Own>("bolt", shared).parallelism(3).tasks(kTasks).set("mine", "bolt").shuffle("numbers");
    t.bolt_fn("sink", {}, [by_source](const Tuple& in, BasicCollector&) {
         (*by_source)[in.source_task()].insert(in.int64(0));
     }).global("bolt");

    Running run(t, config({{"mine", "topology"}, {"yours", "topology"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(shared->prepared.all_are(1));
    EXPECT_EQ(shared->strangers.load(), 0);
    EXPECT_EQ(shared->ids, std::set<TaskId>(shared->all.begin(), shared->all.end()));
    EXPECT_EQ(by_source->size(), kTasks);
    for (const auto& [source, indices] : *by_source) {
        EXPECT_THAT(indices, ElementsAre(source - shared->all.front()));
    }
    EXPECT_EQ(run.of("bolt").executors, 3);
    EXPECT_EQ(run.of("bolt").tasks, kTasks);
}

TEST_P(Engine, CountersAndStatusOfTasksShowInTheSnapshot) {
    t.spout<Numbers>("numbers", 100);
    class Counting final : public BasicBolt {
    public:
        void prepare(const TaskContext& context) override {
            context.set_status("ready");
            counter_ = &context.counter("words");
        }
        void execute(const Tuple&, BasicCollector&) override { counter_->add(2); }

    private:
        Counter* counter_ = nullptr;
    };
    t.bolt<Counting>("bolt").parallelism(2).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    const worker::ComponentSnapshot bolt = run.of("bolt");
    ASSERT_EQ(bolt.user_counters.size(), 1);
    EXPECT_EQ(bolt.user_counters[0], (std::pair<std::string, std::uint64_t>("words", 200)));
    ASSERT_EQ(bolt.statuses.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i)
        EXPECT_EQ(bolt.statuses[i],
                  (cluster::TaskStatus{static_cast<std::uint32_t>(1 + i), "ready"}));
}

TEST_P(Engine, ASnapshotWhileItRunsNeverShowsAnAbsurdNumberOfPendingTuples) {
    t.spout<AnySpout>("numbers", kN, endless_tracked(outcomes));
    t.bolt_fn("sink", {}, swallow).shuffle("numbers");
    Running run(t, config({{"topology.max.spout.pending", "4"}}));

    std::uint64_t most = 0;
    const auto start = steady_clock::now();
    while (millis_since(start) < 300) most = std::max(most, run.engine().pending());

    EXPECT_LE(most, 100'000);
}

TEST_P(Engine, ABlockingSpoutHoldsUpNobodyElse) {
    struct Gate {
        std::mutex mutex;
        std::condition_variable changed;
        int permits = 0;
    };
    const auto gate = std::make_shared<Gate>();
    const auto told = outcomes;
    const auto from_gate = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("gate", kN,
                      SpoutScript{.next =
                                      [gate, n = 0](SpoutCollector& out) mutable {
                                          std::unique_lock lock(gate->mutex);
                                          gate->changed.wait(lock,
                                                             [&] { return gate->permits > 0; });
                                          --gate->permits;
                                          if (n == 10) {
                                              out.finished();
                                              return Next::kIdle;
                                          }
                                          out.emit_tracked(static_cast<MessageId>(n), n);
                                          ++n;
                                          return Next::kEmitted;
                                      },
                                  .open = {},
                                  .ack = [told](MessageId id) { told->ack(id); }})
        .blocking();
    t.spout<Numbers>("numbers", 10'000);
    t.bolt_fn("sink", {},
              [from_gate](const Tuple& in, BasicCollector&) {
                  if (in.source_component() == "gate") from_gate->fetch_add(1);
              })
        .shuffle("numbers")
        .shuffle("gate");
    Running run(t, config());

    EXPECT_TRUE(eventually([&] { return run.of("sink").inputs.at(0).executed == 10'000; }));
    EXPECT_EQ(from_gate->load(), 0);
    for (int i = 0; i < 10; ++i) {
        {
            const std::lock_guard lock(gate->mutex);
            ++gate->permits;
        }
        gate->changed.notify_all();
        EXPECT_TRUE(eventually([&] { return from_gate->load() == i + 1; }));
    }
    {
        const std::lock_guard lock(gate->mutex);
        gate->permits = 1'000;
    }
    gate->changed.notify_all();

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 10);
}

// ---- Doing nothing -----------------------------------------------------------------------------

TEST_P(Engine, AnIdleEngineSleeps) {
    t.spout<AnySpout>("silent", kN, silent());
    t.bolt_fn("a", {{"n", Kind::kInt64}}, [](const Tuple&, BasicCollector& out) { out.emit(1); })
        .parallelism(4)
        .shuffle("silent");
    t.bolt_fn("b", {}, swallow).parallelism(4).tick(milliseconds(500)).shuffle("a");
    Running run(t, config());
    std::this_thread::sleep_for(milliseconds(300));

    const std::int64_t before = waits();
    std::this_thread::sleep_for(milliseconds(1'000));

    // The spout is asked 250 times a second, which may each wake a thread; loops are looked at 50
    // times. What that costs the machine says: `storm-bench idle`.
    EXPECT_LT(waits() - before, 700);
}

}  // namespace
}  // namespace storm::testing

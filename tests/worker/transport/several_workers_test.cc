// Topologies spread over several workers that talk by TCP: what holds in one process holds across.
#include "tests/worker/transport/several_workers.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace storm::testing {
namespace {

constexpr std::int64_t kCount = 20'000;
const Streams kN = default_stream({{"n", Kind::kInt64}});

/// Executor i of each component runs on worker i mod n.
SeveralWorkers::Place in_turn(std::uint32_t workers) {
    return [workers](const std::string&, std::size_t i) {
        return static_cast<std::uint32_t>(i) % workers;
    };
}
/// All executors of the first component run on worker 0, all others on worker 1.
SeveralWorkers::Place apart(std::string first) {
    return [first = std::move(first)](const std::string& component, std::size_t) {
        return component == first ? 0U : 1U;
    };
}

auto count_into(const std::shared_ptr<Tally>& tally) {
    return [tally](const Tuple& in, BasicCollector&) { tally->add(in.int64(0)); };
}

/// Executed tuples of the component at that place in the topology, by the tasks in that worker.
std::uint64_t executed_in(SeveralWorkers& workers, std::uint32_t worker, std::size_t component) {
    const std::vector<worker::ComponentSnapshot> components = workers.engine(worker).snapshot();
    std::uint64_t executed = 0;
    for (const auto& input : components[component].inputs) executed += input.executed;
    return executed;
}

/// For tests that wait for a fence.
constexpr worker::LinkTimes kSoon{.heartbeat = 100 * base::kMicrosPerMilli,
                                  .silence = 1'000 * base::kMicrosPerMilli,
                                  .grace = 500 * base::kMicrosPerMilli};

class SeveralWorkersTest : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }

    TopologyBuilder t;
    std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    std::shared_ptr<Tally> tally = std::make_shared<Tally>(kCount);
};

TEST_P(SeveralWorkersTest, EveryTupleCrossesAndIsAckedOnce) {
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt_fn("sink", {}, count_into(tally)).shuffle("numbers");
    SeveralWorkers workers(t.build(), config(), 2, apart("numbers"));

    ASSERT_TRUE(workers.all_finish());

    EXPECT_TRUE(tally->all_are(1));
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(SeveralWorkersTest, WhatOthersSayBeforeTheSpoutsAreOpenWaitsForThat) {
    t.spout<Numbers>("numbers", kCount, outcomes).parallelism(2);
    t.bolt<AnyBasicBolt>(
         "sink", Streams{},
         BasicScript{.execute = count_into(tally),
                     .prepare =
                         [](const TaskContext&) {
                             std::this_thread::sleep_for(std::chrono::milliseconds(100));
                         }})
        .parallelism(2)
        .shuffle("numbers");
    SeveralWorkers workers(t.build(), config(), 2, in_turn(2));

    ASSERT_TRUE(workers.all_finish());

    EXPECT_TRUE(tally->all_are(1));
    EXPECT_EQ(outcomes->acked(), kCount);
}

TEST_P(SeveralWorkersTest, UntrackedTuplesAllArriveBeforeTheEnd) {
    t.spout<Numbers>("numbers", kCount).parallelism(2);
    t.bolt_fn("sink", {}, count_into(tally)).parallelism(3).shuffle("numbers");
    SeveralWorkers workers(t.build(), config(), 3, in_turn(3));

    ASSERT_TRUE(workers.all_finish());

    EXPECT_TRUE(tally->all_are(1));
}

TEST_P(SeveralWorkersTest, FieldsGroupingSendsAKeyToOneTaskWhereverItIs) {
    const auto tasks = std::make_shared<std::map<std::int64_t, std::set<TaskId>>>();
    const auto mutex = std::make_shared<std::mutex>();
    t.spout<Numbers>("numbers", kCount, outcomes).parallelism(2);
    t.bolt_fn("mod", {{"key", Kind::kInt64}},
              [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0) % 100); })
        .parallelism(3)
        .shuffle("numbers");
    struct Keys final : BasicBolt {
        explicit Keys(std::shared_ptr<std::map<std::int64_t, std::set<TaskId>>> by,
                      std::shared_ptr<std::mutex> lock)
            : tasks(std::move(by)), mutex(std::move(lock)) {}
        void declare_outputs(Outputs&) const override {}
        void prepare(const TaskContext& context) override { task = context.task(); }
        void execute(const Tuple& in, BasicCollector&) override {
            const std::lock_guard guard(*mutex);
            (*tasks)[in.int64(0)].insert(task);
        }
        std::shared_ptr<std::map<std::int64_t, std::set<TaskId>>> tasks;
        std::shared_ptr<std::mutex> mutex;
        TaskId task = 0;
    };
    t.bolt<Keys>("keys", tasks, mutex).parallelism(4).fields("mod", {"key"});
    SeveralWorkers workers(t.build(), config(), 3, in_turn(3));

    ASSERT_TRUE(workers.all_finish());

    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(tasks->size(), 100);
    for (const auto& [key, of_key] : *tasks) EXPECT_EQ(of_key.size(), 1) << key;
}

TEST_P(SeveralWorkersTest, AFailAcrossWorkersReachesTheSpout) {
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt_fn("sink", {}, [](const Tuple& in, BasicCollector&) {
         if (in.int64(0) % 10 == 0) throw FailedError("every tenth");
     }).shuffle("numbers");
    SeveralWorkers workers(t.build(), config(), 2, apart("numbers"));

    ASSERT_TRUE(workers.all_finish());

    EXPECT_EQ(outcomes->failed(FailReason::kBoltFailed), kCount / 10);
    EXPECT_EQ(outcomes->acked(), kCount - kCount / 10);
    EXPECT_EQ(outcomes->told_again(), 0);
}

/// Emits 0 … count - 1 until each of them has been acked.
class Persistent final : public Spout {
public:
    Persistent(std::int64_t count, std::shared_ptr<Outcomes> outcomes)
        : count_(count), outcomes_(std::move(outcomes)) {}
    void declare_outputs(Outputs& outputs) const override { outputs.stream({{"n", Kind::kInt64}}); }
    Next next_tuple(SpoutCollector& out) override {
        std::int64_t n = next_;
        if (!again_.empty()) {
            n = again_.back();
            again_.pop_back();
        } else if (next_ < count_) {
            ++next_;
        } else {
            if (acked_ == count_) out.finished();
            return Next::kIdle;
        }
        out.emit_tracked(static_cast<MessageId>(n), n);
        return Next::kEmitted;
    }
    void ack(MessageId id) override {
        outcomes_->ack(id);
        ++acked_;
    }
    void fail(MessageId id, FailReason reason) override {
        outcomes_->fail(id, reason);
        again_.push_back(static_cast<std::int64_t>(id));
    }

private:
    const std::int64_t count_;
    const std::shared_ptr<Outcomes> outcomes_;
    std::int64_t next_ = 0;
    std::int64_t acked_ = 0;
    std::vector<std::int64_t> again_;
};

TEST_P(SeveralWorkersTest, WhatAKilledBoltWorkerHeldFailsAtOnceAndIsReplayed) {
    t.spout<Persistent>("numbers", kCount, outcomes);
    t.bolt_fn("pass", {{"n", Kind::kInt64}}, [](const Tuple& in, BasicCollector& out) {
         out.emit(in.int64(0));
     }).shuffle("numbers");
    t.bolt_fn("sink", {}, [tally = tally](const Tuple& in, BasicCollector&) {
         tally->add(in.int64(0));
         if (in.int64(0) % 100 == 0) std::this_thread::sleep_for(std::chrono::microseconds(500));
     }).shuffle("pass");
    SeveralWorkers workers(t.build(), config({{"topology.max.spout.pending", "1000"}}), 2,
                           apart("numbers"));
    ASSERT_TRUE(eventually([&] { return outcomes->acked() > 2'000; }));

    workers.restart(1);

    ASSERT_TRUE(workers.all_finish());
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->ids(), kCount);
    EXPECT_EQ(outcomes->failed(), outcomes->failed(FailReason::kWorkerLost));
    EXPECT_LE(outcomes->failed(), 2'000);  // Tuples emitted meanwhile may fail, too.
    for (std::int64_t n = 0; n < kCount; ++n) ASSERT_GE(tally->of(n), 1) << n;
}

TEST_P(SeveralWorkersTest, SomeTuplesOfTheLargestSizeInOneCallFenceNobody) {
    t.spout<AnySpout>("large", default_stream({{"text", Kind::kString}}),
                      SpoutScript{.next = [sent = false](SpoutCollector& out) mutable {
                          if (sent) {
                              out.finished();
                              return Next::kIdle;
                          }
                          // NOLINTNEXTLINE(bugprone-string-constructor): that large.
                          for (int i = 0; i < 3; ++i) out.emit(std::string(15'900'000, 'x'));
                          sent = true;
                          return Next::kEmitted;
                      }});
    const auto executed = std::make_shared<std::atomic<int>>(0);
    t.bolt_fn("sink", {}, [executed](const Tuple&, BasicCollector&) { ++*executed; })
        .tasks(2)
        .parallelism(1)
        .shuffle("large");
    SeveralWorkers workers(t.build(), config({{"topology.max.tuple.bytes", "16777208"}}), 2,
                           apart("large"));

    EXPECT_TRUE(workers.all_finish());

    EXPECT_GE(*executed, 2);  // One call may only emit so much.
    EXPECT_FALSE(workers.is_superseded(0) || workers.is_superseded(1));
    ASSERT_TRUE(eventually([&] { return !workers.transport(1).status().empty(); }));
    EXPECT_EQ(workers.transport(1).status().front().refused, 0);
}

TEST_P(SeveralWorkersTest, AfterAFenceAShuffleGoesOnWithoutTheLostWorker) {
    // No successor comes. Few tuples are pending: all of them could wait for the lost one.
    const auto acked = std::make_shared<std::atomic<std::int64_t>>(0);
    const auto lost = std::make_shared<std::atomic<std::int64_t>>(0);
    t.spout<AnySpout>("endless", kN,
                      SpoutScript{.next =
                                      [n = std::int64_t{0}](SpoutCollector& out) mutable {
                                          out.emit_tracked(static_cast<MessageId>(n), n);
                                          ++n;
                                          return Next::kEmitted;
                                      },
                                  .ack = [acked](MessageId) { ++*acked; },
                                  .fail =
                                      [lost](MessageId, FailReason reason) {
                                          if (reason == FailReason::kWorkerLost) ++*lost;
                                      }});
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).parallelism(2).shuffle("endless");
    const auto place = [](const std::string& component, std::size_t i) {
        return component == "endless" ? 0U : static_cast<std::uint32_t>(i) + 1;
    };
    SeveralWorkers workers(
        t.build(),
        config({{"topology.max.spout.pending", "100"}, {"topology.message.timeout.secs", "3600"}}),
        3, place, SeveralWorkers::RerouteFor{}, kSoon);
    ASSERT_TRUE(eventually([&] { return acked->load() > 1'000; }));

    workers.kill(1);

    ASSERT_TRUE(eventually([&] { return lost->load() > 0; }));
    for (int i = 0; i < 5; ++i) {
        const std::int64_t before = acked->load();
        ASSERT_TRUE(eventually([&] { return acked->load() > before + 500; })) << i;
    }
    workers.start(1);
    workers.tell_places();
    EXPECT_TRUE(eventually([&] { return executed_in(workers, 1, 1) > 100; }));
}

TEST_P(SeveralWorkersTest, AShuffleDoesNotWaitForAWorkerThatHasNotComeYet) {
    t.spout<Persistent>("numbers", kCount, outcomes);
    t.bolt_fn("sink", {}, count_into(tally)).parallelism(2).shuffle("numbers");
    const auto place = [](const std::string& component, std::size_t i) {
        return component == "numbers" ? 0U : static_cast<std::uint32_t>(i) + 1;
    };
    SeveralWorkers workers(t.build(), config({{"topology.max.spout.pending", "10"}}), 3, place);
    workers.kill(1);
    workers.restart(0);

    EXPECT_TRUE(eventually([&] { return workers.engine(0).snapshot()[0].acked == kCount; }));
    EXPECT_EQ(workers.engine(0).snapshot()[0].failed, 0);
}

TEST_P(SeveralWorkersTest, ABoltInAThirdWorkerSeesToWhatPassedThroughIt) {
    t.spout<Persistent>("numbers", kCount, outcomes);
    t.bolt_fn("pass", {{"n", Kind::kInt64}}, [](const Tuple& in, BasicCollector& out) {
         out.emit(in.int64(0));
     }).shuffle("numbers");
    t.bolt_fn("sink", {}, count_into(tally)).shuffle("pass");
    const auto place = [](const std::string& component, std::size_t) {
        return component == "numbers" ? 2U : component == "pass" ? 0U : 1U;
    };
    SeveralWorkers workers(t.build(), config({{"topology.max.spout.pending", "1000"}}), 3, place);
    for (int i = 1; i <= 3; ++i) {
        ASSERT_TRUE(eventually(
            [&] { return outcomes->acked() > static_cast<std::size_t>(i) * kCount / 8; }));
        workers.restart(i % 2 == 0 ? 0 : 1);
    }

    ASSERT_TRUE(workers.all_finish());
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->failed(), outcomes->failed(FailReason::kWorkerLost));
    for (std::int64_t n = 0; n < kCount; ++n) ASSERT_GE(tally->of(n), 1) << n;
}

TEST_P(SeveralWorkersTest, AKilledSpoutWorkerStartsAnewAndTheOthersGoOn) {
    t.spout<Persistent>("numbers", kCount, outcomes);
    t.bolt_fn("sink", {}, count_into(tally)).parallelism(2).shuffle("numbers");
    const auto place = [](const std::string& component, std::size_t i) {
        return component == "numbers" ? 0U : static_cast<std::uint32_t>(i) + 1;
    };
    SeveralWorkers workers(t.build(), config({{"topology.max.spout.pending", "1000"}}), 3, place);
    ASSERT_TRUE(eventually([&] { return outcomes->acked() > 2'000; }));

    workers.restart(0);

    ASSERT_TRUE(workers.all_finish());
    EXPECT_EQ(outcomes->failed(), 0);
    for (std::int64_t n = 0; n < kCount; ++n) ASSERT_GE(tally->of(n), 1) << n;
}

TEST_P(SeveralWorkersTest, ASlowBoltElsewhereHoldsItsSpoutBackWithinItsCredit) {
    const auto emitted = std::make_shared<std::atomic<std::int64_t>>(0);
    t.spout<AnySpout>("endless", kN, SpoutScript{.next = [emitted](SpoutCollector& out) {
                          out.emit(emitted->fetch_add(1));
                          return Next::kEmitted;
                      }});
    t.bolt_fn("slow", {}, [](const Tuple&, BasicCollector&) {
         std::this_thread::sleep_for(std::chrono::milliseconds(1));
     }).shuffle("endless");
    SeveralWorkers workers(t.build(), config(), 2, apart("endless"));
    ASSERT_TRUE(eventually([&] { return emitted->load() > 100; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(500));

    // 24 bytes a row: what a window holds, twice over, and one step's output.
    EXPECT_LT(emitted->load(), 20'000);
    EXPECT_LT(workers.engine(0).shared().pool.bytes_in_flight.load(), 2 << 20);
    EXPECT_LT(workers.engine(1).shared().pool.bytes_in_flight.load(), 2 << 20);
}

INSTANTIATE_TEST_SUITE_P(Threads, SeveralWorkersTest,
                         ::testing::Values(Threads{1, false}, Threads{2, false}, Threads{1, true}),
                         name_of);

}  // namespace
}  // namespace storm::testing

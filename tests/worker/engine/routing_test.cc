// Goal:   rows reach the tasks that their grouping says, and keep their order per pair of source
//         task and target task, across streams and threads.
// Method: small topologies run in this process, on one, two and three loops and with a thread for
//         each executor; bolts note what came from whom.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/storm.h>

#include "tests/support/any_topology.h"
#include "worker/queue/limits.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::Each;
using ::testing::SizeIs;

/// The receiver of each number.
class Received {
public:
    void add(TaskId task, std::int64_t n) {
        const std::lock_guard lock(mutex_);
        by_task_[task].push_back(n);
    }
    std::map<TaskId, std::vector<std::int64_t>> by_task() const {
        const std::lock_guard lock(mutex_);
        return by_task_;
    }
    std::map<std::int64_t, std::vector<TaskId>> by_number() const {
        std::map<std::int64_t, std::vector<TaskId>> tasks;
        for (const auto& [task, numbers] : by_task()) {
            for (const std::int64_t n : numbers) tasks[n].push_back(task);
        }
        return tasks;
    }
    std::size_t sum() const {
        std::size_t sum = 0;
        for (const auto& [task, numbers] : by_task()) sum += numbers.size();
        return sum;
    }

private:
    mutable std::mutex mutex_;
    std::map<TaskId, std::vector<std::int64_t>> by_task_;
};

/// Notes its inputs.
class Sink final : public BasicBolt {
public:
    explicit Sink(std::shared_ptr<Received> received) : received_(std::move(received)) {}
    void prepare(const TaskContext& context) override { task_ = context.task(); }
    void execute(const Tuple& in, BasicCollector&) override { received_->add(task_, in.int64(0)); }

private:
    const std::shared_ptr<Received> received_;  // Owners: the test and the tasks.
    TaskId task_ = 0;
};

class EngineRouting : public ::testing::TestWithParam<Threads> {
protected:
    static constexpr std::int64_t kCount = 1'200;
    static constexpr int kTasks = 6;

    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }
    /// numbers → sink, three executors with two tasks each; how is the caller's to say.
    BoltDeclarer& sink() {
        t.spout<Numbers>("numbers", kCount, outcomes).parallelism(2);
        return t.bolt<Sink>("sink", received).parallelism(3).tasks(kTasks);
    }
    void run_all() {
        Running run(t, config());
        ASSERT_TRUE(run.finishes());
        ASSERT_EQ(outcomes->acked(), kCount);
    }
    void expect_each_number_once() {
        EXPECT_EQ(received->sum(), kCount);
        EXPECT_THAT(received->by_number(), SizeIs(kCount));
    }

    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    const std::shared_ptr<Received> received = std::make_shared<Received>();
    TopologyBuilder t;
};

INSTANTIATE_TEST_SUITE_P(Threads, EngineRouting, all_threads(), name_of);

// ---- Groupings ---------------------------------------------------------------------------------

TEST_P(EngineRouting, ShuffleSpreadsEvenly) {
    sink().shuffle("numbers");

    run_all();

    expect_each_number_once();
    EXPECT_THAT(received->by_task(), SizeIs(kTasks));
    for (const auto& [task, numbers] : received->by_task()) {
        EXPECT_NEAR(static_cast<double>(numbers.size()), static_cast<double>(kCount) / kTasks, 40);
    }
}

TEST_P(EngineRouting, FieldsSendsEqualKeysToOneTaskWhateverTheSource) {
    const auto by_key = std::make_shared<Received>();
    t.spout<Numbers>("numbers", kCount, outcomes).parallelism(2);
    const auto key = [](const Tuple& in, BasicCollector& out) {
        out.emit(in.int64(0), in.int64(0) % 40, std::to_string(in.int64(0) % 2));
    };
    t.bolt_fn("keys", {"n", "key", "text"}, key).parallelism(3).shuffle("numbers");
    t.bolt_fn("other-keys", {"text", "more", "key"}, [](const Tuple& in, BasicCollector& out) {
         out.emit(std::to_string(in.int64(0) % 2), 1.5, in.int64(0) % 40);
     }).shuffle("numbers");
    class ByKey final : public BasicBolt {
    public:
        explicit ByKey(std::shared_ptr<Received> received) : received_(std::move(received)) {}
        void prepare(const TaskContext& context) override { task_ = context.task(); }
        void execute(const Tuple& in, BasicCollector&) override {
            received_->add(task_, in.int64("key"));
        }

    private:
        const std::shared_ptr<Received> received_;
        TaskId task_ = 0;
    };
    t.bolt<ByKey>("sink", by_key)
        .parallelism(3)
        .tasks(kTasks)
        .fields("keys", {"key", "text"})
        .fields("other-keys", {"key", "text"});

    run_all();

    EXPECT_EQ(by_key->sum(), 2 * kCount);
    EXPECT_THAT(by_key->by_number(), SizeIs(40));
    EXPECT_THAT(by_key->by_task(), SizeIs(kTasks));
    for (const auto& [number, tasks] : by_key->by_number()) {
        EXPECT_THAT(tasks, Each(tasks.front())) << "key " << number;
    }
}

TEST_P(EngineRouting, PartialKeySendsAKeyToAtMostTwoTasksAndSpreadsAHotOne) {
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt_fn("keys", {"key"}, [](const Tuple& in, BasicCollector& out) {
         out.emit(in.int64(0) % 2 == 0 ? std::int64_t{0} : in.int64(0) % 30);
     }).shuffle("numbers");
    t.bolt<Sink>("sink", received).parallelism(3).tasks(kTasks).partial_key("keys", {"key"});

    run_all();

    for (const auto& [number, tasks] : received->by_number()) {
        const std::set<TaskId> different(tasks.begin(), tasks.end());
        EXPECT_LE(different.size(), 2) << "key " << number;
        if (number != 0) continue;
        EXPECT_EQ(different.size(), 2);
        const auto first = std::count(tasks.begin(), tasks.end(), tasks.front());
        EXPECT_NEAR(static_cast<double>(first), static_cast<double>(tasks.size()) / 2,
                    static_cast<double>(tasks.size()) / 4);
    }
}

TEST_P(EngineRouting, AllSendsACopyToEveryTask) {
    sink().all("numbers");

    run_all();

    EXPECT_THAT(received->by_task(), SizeIs(kTasks));
    for (const auto& [number, tasks] : received->by_number()) {
        EXPECT_EQ(std::set<TaskId>(tasks.begin(), tasks.end()).size(), kTasks);
        EXPECT_THAT(tasks, SizeIs(kTasks));
    }
}

TEST_P(EngineRouting, GlobalSendsAllToTheTaskWithTheLeastId) {
    sink().global("numbers");

    run_all();

    expect_each_number_once();
    EXPECT_THAT(received->by_task(), SizeIs(1));
    // Ids follow the component ids in byte order: numbers 1 and 2, sink from 3.
    EXPECT_EQ(received->by_task().begin()->first, 3);
}

TEST_P(EngineRouting, NoneSendsToRandomTasks) {
    sink().none("numbers");

    run_all();

    expect_each_number_once();
    EXPECT_THAT(received->by_task(), SizeIs(kTasks));
    for (const auto& [task, numbers] : received->by_task()) {
        EXPECT_NEAR(static_cast<double>(numbers.size()), static_cast<double>(kCount) / kTasks, 90);
    }
}

TEST_P(EngineRouting, LocalOrShuffleStaysOnItsLoopWhereThatHasATask) {
    const auto wandered = std::make_shared<std::atomic<int>>(0);
    const auto loops = std::make_shared<std::vector<std::uint32_t>>();
    class Near final : public BasicBolt {
    public:
        Near(std::shared_ptr<std::atomic<int>> wandered,
             std::shared_ptr<std::vector<std::uint32_t>> loops)
            : wandered_(std::move(wandered)), loops_(std::move(loops)) {}
        void prepare(const TaskContext& context) override {
            task_ = static_cast<std::size_t>(context.task());
        }
        void execute(const Tuple& in, BasicCollector&) override {
            if ((*loops_)[static_cast<std::size_t>(in.source_task())] != (*loops_)[task_])
                wandered_->fetch_add(1);
        }

    private:
        const std::shared_ptr<std::atomic<int>> wandered_;
        const std::shared_ptr<std::vector<std::uint32_t>> loops_;
        std::size_t task_ = 0;
    };
    t.spout<Numbers>("numbers", 200, outcomes).parallelism(3);
    t.bolt<Near>("near", wandered, loops).parallelism(3).local_or_shuffle("numbers");
    const base::SteadyClock clock;
    worker::Engine engine(t.build(), config(), clock);
    *loops = engine.wiring().destination_of_task;

    engine.start();

    ASSERT_EQ(engine.wait(kPatience.count() * base::kMicrosPerSecond),
              worker::Engine::State::kFinished);
    EXPECT_EQ(outcomes->acked(), 200);
    EXPECT_TRUE(GetParam().dedicated || wandered->load() == 0);
}

TEST_P(EngineRouting, ADirectStreamReachesTheNamedTaskOnly) {
    const auto told = outcomes;
    const Streams streams = {{"to-one", {{"n", Kind::kInt64}}, true}};
    struct Sender {
        std::vector<TaskId> targets;
        std::int64_t n = 0;
    };
    const auto sender = std::make_shared<Sender>();
    t.spout<AnySpout>(
        "numbers", streams,
        SpoutScript{
            .next =
                [sender](SpoutCollector& out) {
                    if (sender->n == kCount) {
                        out.finished();
                        return Next::kIdle;
                    }
                    const std::int64_t n = sender->n++;
                    const TaskId target = sender->targets[static_cast<std::size_t>(n % kTasks)];
                    out.on("to-one").to(target).emit_tracked(static_cast<MessageId>(n), n);
                    return Next::kEmitted;
                },
            .open = [sender](const TaskContext& context,
                             SpoutCollector&) { sender->targets = context.tasks_of("sink"); },
            .ack = [told](MessageId id) { told->ack(id); }});
    t.bolt<Sink>("sink", received).parallelism(3).tasks(kTasks).direct("numbers", "to-one");

    run_all();

    expect_each_number_once();
    for (const auto& [number, tasks] : received->by_number()) {
        EXPECT_EQ(tasks.front(), sender->targets[static_cast<std::size_t>(number % kTasks)]);
    }
}

TEST_P(EngineRouting, ACustomGroupingChoosesNoneOneOrSeveral) {
    class ByNumber final : public Grouping {
    public:
        void prepare(const TaskContext& context, std::span<const TaskId> targets) override {
            if (context.component() != "numbers") throw std::logic_error("not the emitter's");
            targets_.assign(targets.begin(), targets.end());
        }
        void choose(const Tuple& tuple, std::vector<TaskId>& chosen) override {
            for (std::int64_t i = 0; i < tuple.int64("n") % 4; ++i) {
                chosen.push_back(targets_[static_cast<std::size_t>(i)]);
            }
        }

    private:
        std::vector<TaskId> targets_;
    };
    sink().custom("numbers", [] { return std::make_unique<ByNumber>(); });

    run_all();

    EXPECT_EQ(received->sum(), kCount / 4 * (1 + 2 + 3));
    for (const auto& [number, tasks] : received->by_number()) {
        EXPECT_THAT(tasks, SizeIs(static_cast<std::size_t>(number % 4)));
    }
}

TEST_P(EngineRouting, SeveralSubscriptionsToOneStreamEachGetACopy) {
    const auto second = std::make_shared<Received>();
    sink().shuffle("numbers");
    t.bolt<Sink>("other", second).parallelism(2).fields("numbers", {"n"});

    run_all();

    expect_each_number_once();
    EXPECT_EQ(second->sum(), kCount);
    EXPECT_THAT(second->by_number(), SizeIs(kCount));
}

// ---- Order -------------------------------------------------------------------------------------

/// A spout that emits n = 0, 1, 2 … on three streams in turn, some of it in bursts.
SpoutScript three_streams(std::int64_t count) {
    return {.next = [count, n = std::int64_t{0}](SpoutCollector& out) mutable {
        if (n == count) {
            out.finished();
            return Next::kIdle;
        }
        const std::int64_t burst = n % 100 == 0 ? 50 : 1;
        for (std::int64_t i = 0; i < burst && n < count; ++i, ++n) {
            const std::string text(static_cast<std::size_t>(n * 37 % 200), 'x');
            out.on(n % 3 == 0 ? "a" : n % 3 == 1 ? "b" : "c").emit(n, text);
        }
        return Next::kEmitted;
    }};
}

/// Counts rows that came before one that their source had emitted earlier; passes all on.
class InOrder final : public BasicBolt {
public:
    InOrder(std::shared_ptr<std::atomic<int>> disorder, milliseconds nap)
        : disorder_(std::move(disorder)), nap_(nap) {}
    void declare_outputs(Outputs& outputs) const override {
        for (const char* const stream : {"a", "b", "c"})
            outputs.stream(stream, {{"n", Kind::kInt64}, {"text", Kind::kString}});
    }
    void execute(const Tuple& in, BasicCollector& out) override {
        const auto [last, first] = last_.try_emplace(in.source_task(), -1);
        if (in.int64(0) <= last->second) disorder_->fetch_add(1);
        last->second = in.int64(0);
        const std::int64_t n = next_++;
        if (nap_.count() > 0 && n % 701 == 700) std::this_thread::sleep_for(nap_);
        out.on(n % 3 == 0 ? "a" : n % 3 == 1 ? "b" : "c").emit(n, in.string(1));
    }

private:
    const std::shared_ptr<std::atomic<int>> disorder_;
    const milliseconds nap_;
    std::map<TaskId, std::int64_t> last_;
    std::int64_t next_ = 0;
};

/// streams → first → second → third, all in each other's way. `nap`: of the first two now and then.
void order_topology(TopologyBuilder& t, std::int64_t count,
                    const std::shared_ptr<std::atomic<int>>& disorder, milliseconds nap) {
    const Streams streams = {{"a", {{"n", Kind::kInt64}, {"text", Kind::kString}}, false},
                             {"b", {{"n", Kind::kInt64}, {"text", Kind::kString}}, false},
                             {"c", {{"n", Kind::kInt64}, {"text", Kind::kString}}, false}};
    t.spout<AnySpout>("streams", streams, three_streams(count)).parallelism(2);
    t.bolt<InOrder>("first", disorder, nap)
        .parallelism(3)
        .shuffle("streams", "a")
        .fields("streams", {"n"}, "b")
        .none("streams", "c");
    t.bolt<InOrder>("second", disorder, nap)
        .parallelism(2)
        .tasks(5)
        .local_or_shuffle("first", "a")
        .shuffle("first", "b")
        .partial_key("first", {"n"}, "c");
    t.bolt<InOrder>("third", disorder, milliseconds(0))
        .parallelism(3)
        .shuffle("second", "a")
        .global("second", "b")
        .all("second", "c");
}

TEST_P(EngineRouting, OrderHoldsPerSourceTaskAndTargetTaskAcrossStreamsAndLoops) {
    constexpr std::int64_t kRows = 30'000;
    const auto disorder = std::make_shared<std::atomic<int>>(0);
    order_topology(t, kRows, disorder, milliseconds(0));

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(disorder->load(), 0);
    std::uint64_t executed = 0;
    for (const auto& input : run.of("first").inputs) executed += input.executed;
    EXPECT_EQ(executed, 2 * kRows);
}

TEST_P(EngineRouting, OrderHoldsWhileExecutorsAreTakenOutOfTheirLoops) {
    constexpr std::int64_t kRows = 12'000;
    const auto disorder = std::make_shared<std::atomic<int>>(0);
    order_topology(t, kRows, disorder, milliseconds(45));

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(disorder->load(), 0);
    std::uint64_t executed = 0;
    for (const auto& input : run.of("second").inputs) executed += input.executed;
    EXPECT_EQ(executed, 2 * kRows);
    EXPECT_TRUE(run.empties());
}

TEST_P(EngineRouting, OrderHoldsWhileExecutorsLeaveTheirLoopsAndComeBackAgainAndAgain) {
    // They leave by naps and by what they emit, which is soon too much; time flies, so that they
    // are home again after a few calls.
    constexpr std::int64_t kRows = kSanitized ? 6'000 : 20'000;
    const auto disorder = std::make_shared<std::atomic<int>>(0);
    order_topology(t, kRows, disorder, milliseconds(25));
    JumpingClock clock;
    worker::Engine engine(t.build(), config({{"topology.executor.overshoot.bytes", "1024"}}),
                          clock);
    std::jthread time([&clock](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            clock.jump(worker::kCalmMicrosMax);
            std::this_thread::sleep_for(std::chrono::microseconds(300));
        }
    });

    engine.start();

    ASSERT_EQ(engine.wait(2 * std::chrono::microseconds(kPatience).count()),
              worker::Engine::State::kFinished);
    EXPECT_EQ(disorder->load(), 0);
    std::uint64_t executed = 0;
    for (const auto& component : engine.snapshot()) {
        if (component.id != "second") continue;
        for (const auto& input : component.inputs) executed += input.executed;
    }
    EXPECT_EQ(executed, 2 * kRows);
    time.request_stop();  // Our patience is measured by the same clock.
    time.join();
    ASSERT_TRUE(engine.stop(std::chrono::microseconds(kPatience).count()));
    EXPECT_EQ(engine.shared().pool.bytes_in_flight.load(), 0);
    const auto came_back = [](const auto& executor) { return executor->entry.home_since != 0; };
    EXPECT_TRUE(GetParam().dedicated || std::any_of(engine.shared().executors.begin(),
                                                    engine.shared().executors.end(), came_back));
}

TEST(Wiring, RefusesMorePairsOfTasksThanAWorkerMayHave) {
    const auto wire = [](int tasks) {
        TopologyBuilder t;
        t.spout<Numbers>("numbers", 1).tasks(tasks);
        t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).tasks(tasks).shuffle("numbers");
        worker::Wiring(t.build(), config_of({1, false}));
    };

    EXPECT_NO_THROW(wire(4'000));
    try {
        wire(4'001);
        ADD_FAILURE() << "it takes them";
    } catch (const std::invalid_argument& error) {
        EXPECT_THAT(error.what(),
                    ::testing::HasSubstr("\"sink\" has 4001 tasks, and listens to 4001 of "
                                         "\"numbers\" in this worker"));
    }
}

}  // namespace
}  // namespace storm::testing

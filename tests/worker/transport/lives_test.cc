// Goal:   a topology goes on, and ends, when the worker of a source starts anew after those who
//         listen to it elsewhere have finished; no tuple of the new life is lost or replayed
//         without need.
// Method: finite topologies on several workers in this process run to their end; then one of the
//         workers is killed and started anew. Its engine knows nothing of the former life.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/gate.h"
#include "tests/worker/transport/several_workers.h"

namespace storm::testing {
namespace {

using worker::Engine;

constexpr std::int64_t kCount = 3'000;

/// Emits 0 … count - 1 once it may, and again what fails. Without outcomes: untracked.
class Source final : public Spout {
public:
    Source(std::shared_ptr<Outcomes> outcomes, std::shared_ptr<std::atomic<bool>> go,
           std::shared_ptr<std::atomic<std::int64_t>> progress = nullptr)
        : outcomes_(std::move(outcomes)), go_(std::move(go)), progress_(std::move(progress)) {}
    void declare_outputs(Outputs& outputs) const override { outputs.stream({{"n", Kind::kInt64}}); }
    void open(const TaskContext&, SpoutCollector&) override {
        if (progress_ != nullptr) next_ = progress_->load();
    }
    Next next_tuple(SpoutCollector& out) override {
        if (!go_->load()) return Next::kIdle;
        std::int64_t n = next_;
        if (!again_.empty()) {
            n = again_.back();
            again_.pop_back();
        } else if (next_ < kCount) {
            ++next_;
        } else {
            if (progress_ != nullptr) progress_->store(kCount);
            out.finished();
            return Next::kIdle;
        }
        if (outcomes_ == nullptr) {
            out.emit(n);
        } else {
            out.emit_tracked(static_cast<MessageId>(n), n);
        }
        return Next::kEmitted;
    }
    void ack(MessageId id) override { outcomes_->ack(id); }
    void fail(MessageId id, FailReason reason) override {
        outcomes_->fail(id, reason);
        again_.push_back(static_cast<std::int64_t>(id));
    }

private:
    const std::shared_ptr<Outcomes> outcomes_;
    const std::shared_ptr<std::atomic<bool>> go_;
    const std::shared_ptr<std::atomic<std::int64_t>> progress_;
    std::int64_t next_ = 0;
    std::vector<std::int64_t> again_;
};

/// Lives of a sink: each notes what it has seen in finish().
class Finishes {
public:
    void add(std::size_t different) {
        const std::lock_guard lock(mutex_);
        different_.push_back(different);
    }
    std::size_t count() const {
        const std::lock_guard lock(mutex_);
        return different_.size();
    }
    std::size_t last() const {
        const std::lock_guard lock(mutex_);
        return different_.empty() ? 0 : different_.back();
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::size_t> different_;
};

class Sink final : public BasicBolt {
public:
    explicit Sink(std::shared_ptr<Finishes> finishes)
        : finishes_(std::move(finishes)), seen_(kCount, false) {}
    void declare_outputs(Outputs&) const override {}
    void execute(const Tuple& in, BasicCollector&) override {
        if (in.is_tick()) return;
        const auto n = static_cast<std::size_t>(in.int64(0));
        different_ += seen_.at(n) ? 0U : 1U;
        seen_[n] = true;
    }
    void finish(BasicCollector&) override { finishes_->add(different_); }

private:
    const std::shared_ptr<Finishes> finishes_;
    std::vector<bool> seen_;
    std::size_t different_ = 0;
};

void pass(const Tuple& in, BasicCollector& out) {
    out.emit(in.int64(0));
}

class Lives : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }
    static SeveralWorkers::Place place(std::map<std::string, std::uint32_t> workers) {
        return [workers = std::move(workers)](const std::string& component, std::size_t) {
            return workers.at(component);
        };
    }
    /// Starts `source` anew: `elsewhere` runs again, and all ends once the source may emit.
    void restart_after_the_end(SeveralWorkers& workers, std::uint32_t source,
                               std::uint32_t elsewhere) {
        ASSERT_TRUE(workers.all_finish());
        go->store(false);
        const std::size_t before = finishes->count();

        workers.restart(source);
        ASSERT_TRUE(eventually([&] {
            return workers.engine(elsewhere).wait(0) == Engine::State::kRunning;
        })) << "it has to wait for the source's new life";
        go->store(true);

        ASSERT_TRUE(eventually([&] { return finishes->count() > before; }));
        ASSERT_TRUE(workers.all_finish());
        EXPECT_EQ(finishes->count(), before + 1);
        EXPECT_EQ(finishes->last(), kCount) << "the last life has seen all tuples";
        EXPECT_EQ(outcomes->failed(FailReason::kTimedOut), 0);
        EXPECT_LE(outcomes->failed(FailReason::kRebalanced), 100) << "replayed again and again";
    }

    TopologyBuilder t;
    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    const std::shared_ptr<Finishes> finishes = std::make_shared<Finishes>();
    const std::shared_ptr<std::atomic<bool>> go = std::make_shared<std::atomic<bool>>(true);
};

INSTANTIATE_TEST_SUITE_P(Threads, Lives,
                         ::testing::Values(Threads{1, false}, Threads{2, false}, Threads{1, true}),
                         name_of);

TEST_P(Lives, ASourceThatStartsAnewAfterItsListenerHasFinishedRunsToItsEndAgain) {
    t.spout<Source>("source", outcomes, go);
    t.bolt<Sink>("sink", finishes).shuffle("source");
    SeveralWorkers workers(t.build(), config(), 2, place({{"source", 0}, {"sink", 1}}));

    restart_after_the_end(workers, 0, 1);

    EXPECT_EQ(outcomes->acked(), 2 * kCount);
}

TEST_P(Lives, SoItDoesTwiceInARow) {
    t.spout<Source>("source", outcomes, go);
    t.bolt_fn("pass", {{"n", Kind::kInt64}}, pass).shuffle("source");
    t.bolt<Sink>("sink", finishes).shuffle("pass");
    SeveralWorkers workers(t.build(), config(), 3,
                           place({{"source", 0}, {"pass", 1}, {"sink", 2}}));

    restart_after_the_end(workers, 0, 2);
    restart_after_the_end(workers, 0, 2);

    EXPECT_EQ(outcomes->acked(), 3 * kCount);
}

TEST_P(Lives, AnUntrackedSourceThatStartsAnewRunsToItsEndAgain) {
    t.spout<Source>("source", nullptr, go);
    t.bolt<Sink>("sink", finishes).shuffle("source");
    SeveralWorkers workers(t.build(), config(), 2, place({{"source", 0}, {"sink", 1}}));

    restart_after_the_end(workers, 0, 1);
}

TEST_P(Lives, ABoltBackInTheKilledWorkerSeesWhatHasPassedThroughTheOthers) {
    for (const bool tracked : {true, false}) {
        SCOPED_TRACE(tracked);
        TopologyBuilder each;
        go->store(true);
        each.spout<Source>("source", tracked ? outcomes : nullptr, go);
        each.bolt_fn("a", {{"n", Kind::kInt64}}, pass).parallelism(2).shuffle("source");
        each.bolt_fn("b", {{"n", Kind::kInt64}}, pass).shuffle("a");
        each.bolt<Sink>("sink", finishes).shuffle("b");
        SeveralWorkers workers(each.build(), config(), 3,
                               place({{"source", 0}, {"a", 1}, {"b", 2}, {"sink", 0}}));

        restart_after_the_end(workers, 0, 2);
    }
}

/// Passes n on until it has been `hops` times round, then out of the cycle.
class Round final : public BasicBolt {
public:
    void declare_outputs(Outputs& outputs) const override {
        outputs.stream({{"n", Kind::kInt64}, {"hops", Kind::kInt64}});
        outputs.stream("out", {{"n", Kind::kInt64}});
    }
    void execute(const Tuple& in, BasicCollector& out) override {
        const std::int64_t hops = in.source_component() == "source" ? 4 : in.int64(1);
        if (hops > 0) {
            out.emit(in.int64(0), hops - 1);
        } else {
            out.on("out").emit(in.int64(0));
        }
    }
};

TEST_P(Lives, ACycleThatHasEndedIsRunThroughAgainAndSoIsWhatIsBehindIt) {
    for (const bool tracked : {true, false}) {
        SCOPED_TRACE(tracked);
        TopologyBuilder each;
        go->store(true);
        each.spout<Source>("source", tracked ? outcomes : nullptr, go);
        each.bolt<Round>("left").parallelism(2).shuffle("source").shuffle("right");
        each.bolt<Round>("right").shuffle("left");
        each.bolt<Sink>("sink", finishes).shuffle("left", "out").shuffle("right", "out");
        SeveralWorkers workers(each.build(), config(), 3,
                               place({{"source", 0}, {"left", 1}, {"right", 1}, {"sink", 2}}));

        restart_after_the_end(workers, 0, 2);
    }
}

TEST_P(Lives, ABoltThatListensToItselfIsRunThroughAgain) {
    t.spout<Source>("source", outcomes, go);
    t.bolt<Round>("self").parallelism(2).shuffle("source").shuffle("self");
    t.bolt<Sink>("sink", finishes).shuffle("self", "out");
    SeveralWorkers workers(t.build(), config(), 2,
                           place({{"source", 0}, {"self", 1}, {"sink", 0}}));

    restart_after_the_end(workers, 0, 1);
}

TEST_P(Lives, ACycleOfWhichOnlyOneSourceStartsAnewCompletesItsWindows) {
    // The member that listens to the other source has heard its end, and hears of it no more.
    const auto always = std::make_shared<std::atomic<bool>>(true);
    class Keeps final : public Bolt {
    public:
        void declare_outputs(Outputs& outputs) const override {
            outputs.stream({{"n", Kind::kInt64}});
        }
        void execute(const Tuple& in, BoltCollector& out) override {
            if (in.source_component() == "left" || in.source_component() == "right")
                return out.ack(in);
            kept_.push_back(out.keep(in));
            if (kept_.size() == 700) emit_all(out);
        }
        void inputs_ended(BoltCollector& out) override { emit_all(out); }

    private:
        void emit_all(BoltCollector& out) {
            for (Kept& kept : std::exchange(kept_, {})) {
                out.emit(kept.tuple(), kept.tuple().int64(0));
                out.ack(std::move(kept));
            }
        }
        std::vector<Kept> kept_;
    };
    t.spout<Source>("source", outcomes, go);
    t.spout<Source>("other", std::make_shared<Outcomes>(), always);
    t.bolt<Keeps>("left").shuffle("source").shuffle("right");
    t.bolt<Keeps>("right").shuffle("other").shuffle("left");
    t.bolt<Sink>("sink", finishes).shuffle("left");
    SeveralWorkers workers(
        t.build(), config(), 2,
        place({{"source", 0}, {"other", 1}, {"left", 1}, {"right", 1}, {"sink", 1}}));

    restart_after_the_end(workers, 0, 1);

    EXPECT_EQ(outcomes->acked(), 2 * kCount);
}

TEST_P(Lives, ASourceThatHasNothingMoreToEmitAfterItsRestartFinishesNobodyTwice) {
    const auto progress = std::make_shared<std::atomic<std::int64_t>>(0);
    t.spout<Source>("source", outcomes, go, progress);
    t.bolt_fn("pass", {{"n", Kind::kInt64}}, pass).shuffle("source");
    t.bolt<Sink>("sink", finishes).shuffle("pass");
    SeveralWorkers workers(t.build(), config(), 3,
                           place({{"source", 0}, {"pass", 1}, {"sink", 2}}));
    ASSERT_TRUE(workers.all_finish());
    ASSERT_EQ(finishes->count(), 1);
    go->store(false);
    workers.restart(0);
    ASSERT_TRUE(eventually([&] { return workers.engine(2).wait(0) == Engine::State::kRunning; }));
    go->store(true);

    ASSERT_TRUE(workers.all_finish());

    EXPECT_EQ(finishes->count(), 1);
    EXPECT_EQ(finishes->last(), kCount);
    EXPECT_EQ(outcomes->acked(), kCount);
}

TEST_P(Lives, AKilledWorkerThatHasOnlyABoltInTheMiddleEndsAgain) {
    t.spout<Source>("source", outcomes, go);
    t.bolt_fn("pass", {{"n", Kind::kInt64}}, pass).shuffle("source");
    t.bolt<Sink>("sink", finishes).shuffle("pass");
    SeveralWorkers workers(t.build(), config(), 3,
                           place({{"source", 0}, {"pass", 1}, {"sink", 2}}));
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(workers.all_finish());

        workers.restart(1);

        ASSERT_TRUE(workers.all_finish());
    }
    EXPECT_EQ(finishes->last(), kCount);
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->failed(), 0);
}

TEST_P(Lives, TheLastWindowIsCompletedInAnotherWorkerThatWasKilledMeanwhile) {
    const auto windows = std::make_shared<std::atomic<int>>(0);
    class Window final : public Bolt {
    public:
        explicit Window(std::shared_ptr<std::atomic<int>> executed)
            : executed_(std::move(executed)) {}
        void declare_outputs(Outputs& outputs) const override {
            outputs.stream({{"n", Kind::kInt64}});
        }
        void execute(const Tuple& in, BoltCollector& out) override {
            executed_->fetch_add(1);
            kept_.push_back(out.keep(in));
        }
        void inputs_ended(BoltCollector& out) override {
            for (Kept& kept : std::exchange(kept_, {})) {
                out.emit(kept.tuple(), kept.tuple().int64(0));
                out.ack(std::move(kept));
            }
        }

    private:
        const std::shared_ptr<std::atomic<int>> executed_;
        std::vector<Kept> kept_;
    };
    const auto rest = std::make_shared<std::atomic<bool>>(false);
    t.spout<Source>("source", outcomes, go);
    t.spout<Source>("rest", nullptr, rest);  // Keeps the window open.
    t.bolt<Window>("window", windows).shuffle("source").shuffle("rest");
    t.bolt<Sink>("sink", finishes).shuffle("window");
    SeveralWorkers workers(t.build(), config(), 2,
                           place({{"source", 0}, {"rest", 0}, {"window", 1}, {"sink", 0}}));
    ASSERT_TRUE(eventually([&] { return windows->load() == kCount; }));

    workers.restart(1);
    rest->store(true);

    ASSERT_TRUE(workers.all_finish());
    EXPECT_EQ(finishes->last(), kCount);
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->failed(), outcomes->failed(FailReason::kWorkerLost));
}

TEST_P(Lives, UntrackedRowsThatAKilledWorkerHeldAreCountedAsDropped) {
    const auto executed = std::make_shared<std::atomic<std::int64_t>>(0);
    t.spout<Source>("source", nullptr, go);
    t.bolt_fn("slow", {},
              [executed](const Tuple&, BasicCollector&) {
                  std::this_thread::sleep_for(std::chrono::microseconds(200));
                  executed->fetch_add(1);
              })
        .blocking()
        .shuffle("source");
    SeveralWorkers workers(t.build(), config(), 2, place({{"source", 0}, {"slow", 1}}));
    ASSERT_TRUE(eventually([&] { return executed->load() > 300; }));

    workers.restart(1);

    ASSERT_TRUE(workers.all_finish());
    const std::uint64_t dropped = workers.engine(0).snapshot()[0].losses().dropped;
    EXPECT_GT(dropped, 0);
    EXPECT_GE(static_cast<std::int64_t>(dropped) + executed->load(), kCount);
}

// ---- Handles of a life -------------------------------------------------------------------------

/// Acks its inputs by post(). Each object lends its context.
class Posts final : public Bolt {
public:
    struct Contexts {
        std::mutex mutex;
        std::vector<TaskContext> of_objects;
    };

    explicit Posts(std::shared_ptr<Contexts> contexts) : contexts_(std::move(contexts)) {}
    void prepare(const TaskContext& context, BoltCollector& out) override {
        out_.emplace(out);
        context_.emplace(context);
        const std::lock_guard lock(contexts_->mutex);
        contexts_->of_objects.push_back(context);
    }
    void execute(const Tuple& in, BoltCollector& out) override {
        (void)context_->post(
            [out = *out_, kept = out.keep(in)]() mutable { out.ack(std::move(kept)); });
    }

private:
    const std::shared_ptr<Contexts> contexts_;
    std::optional<BoltCollector> out_;
    std::optional<TaskContext> context_;
};

TEST_P(Lives, ABoltThatIsPreparedAnewIsReachedByItsNewContextAlone) {
    const auto contexts = std::make_shared<Posts::Contexts>();
    t.spout<Source>("source", outcomes, go);
    t.bolt<Posts>("posts", contexts).shuffle("source");
    SeveralWorkers workers(t.build(), config(), 2, place({{"source", 0}, {"posts", 1}}));
    ASSERT_TRUE(workers.all_finish());

    go->store(false);
    workers.restart(0);
    go->store(true);
    ASSERT_TRUE(eventually([&] { return outcomes->acked() > kCount; }));
    EXPECT_FALSE(contexts->of_objects.at(0).post([] { ADD_FAILURE() << "to the former object"; }));

    ASSERT_TRUE(workers.all_finish());
    EXPECT_EQ(outcomes->acked(), 2 * kCount);
    EXPECT_EQ(outcomes->failed(FailReason::kForgotten), 0);
}

TEST_P(Lives, ABoltThatRefusedPostsBeforeItsFinishAcceptsThemIfItsSourceStartsAnewFirst) {
    // Posts a call from each call, until it is refused; then waits for credit, short of finish().
    struct Endless final : Bolt {
        explicit Endless(std::shared_ptr<std::atomic<bool>> refused_given)
            : refused(refused_given) {}
        void declare_outputs(Outputs& outputs) const override {
            outputs.stream({{"text", Kind::kString}});
        }
        void prepare(const TaskContext& given, BoltCollector& collector) override {
            context.emplace(given);
            out.emplace(collector);
        }
        void execute(const Tuple& in, BoltCollector& collector) override {
            if (!std::exchange(begun, true)) again();
            (void)context->post(
                [this, kept = collector.keep(in)]() mutable { out->ack(std::move(kept)); });
        }
        void again() {
            if (context->post([this] { again(); })) return;
            if (refused->exchange(true)) return;
            for (int i = 0; i < 2'000; ++i) out->emit_unanchored(std::string(1'000, 'x'));
        }
        const std::shared_ptr<std::atomic<bool>> refused;
        bool begun = false;
        std::optional<TaskContext> context;
        std::optional<BoltCollector> out;
    };
    const auto refused = std::make_shared<std::atomic<bool>>(false);
    const auto gate = std::make_shared<Gate>();
    t.spout<Source>("source", outcomes, go);
    t.bolt<Endless>("endless", refused).shuffle("source");
    t.bolt_fn("sink", {}, [gate](const Tuple&, BasicCollector&) { gate->pass(); })
        .blocking()
        .shuffle("endless");
    SeveralWorkers workers(t.build(), config({{"topology.worker.buffer.bytes", "1048576"}}), 2,
                           place({{"source", 0}, {"endless", 1}, {"sink", 1}}));
    ASSERT_TRUE(eventually([&] { return refused->load() && gate->waiting() == 1; }));
    ASSERT_EQ(outcomes->acked(), kCount);

    go->store(false);
    workers.restart(0);
    ASSERT_TRUE(eventually([&] {
        const auto status = workers.transport(1).status();
        return !status.empty() && status.front().up && status.front().incarnation == 2;
    }));
    gate->open();
    go->store(true);

    ASSERT_TRUE(workers.all_finish()) << "acked " << outcomes->acked();
    EXPECT_EQ(outcomes->acked(), 2 * kCount);
    EXPECT_EQ(outcomes->failed(FailReason::kForgotten), 0);
}

/// Names a task of the component "sink", by its context.
class ByContext final : public Grouping {
public:
    void prepare(const TaskContext& context, std::span<const TaskId>) override {
        context_.emplace(context);
    }
    void choose(const Tuple&, std::vector<TaskId>& chosen) override {
        for (const TaskId task : context_->tasks_of("sink")) chosen.push_back(task);
    }

private:
    std::optional<TaskContext> context_;
};

TEST_P(Lives, ACustomGroupingHasTheContextOfItsTasksPresentLife) {
    t.spout<Source>("source", outcomes, go);
    t.bolt_fn("pass", {{"n", Kind::kInt64}}, pass).shuffle("source");
    t.bolt<Sink>("sink", finishes).custom("pass", [] { return std::make_unique<ByContext>(); });
    SeveralWorkers workers(t.build(), config(), 2,
                           place({{"source", 0}, {"pass", 1}, {"sink", 1}}));

    restart_after_the_end(workers, 0, 1);
}

}  // namespace
}  // namespace storm::testing

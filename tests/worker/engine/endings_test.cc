// Goal:   a bolt that keeps what it gets is told when nothing new comes, so that the last tuples of
//         a finite stream complete at once, each of them once; and what fails then still comes
//         again, and is told of again.
// Method: windows that keep 300 tuples, behind spouts that say finished() as soon as they have
//         nothing new, in chains, cycles and joins, on one, two and three loops and with a thread
//         for each executor. Timeouts are longer than our patience, or there are none: what is
//         not told has hung.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
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

using std::chrono::milliseconds;

constexpr std::int64_t kCount = 2'000;
constexpr std::size_t kWindow = 300;
const Streams kN = default_stream({{"n", Kind::kInt64}});
const Streams kNoStreams;

/// Emits `first` … `end` - 1, tracked, says at once that there is nothing new, and emits again what
/// fails. Of several tasks each emits its share.
class Range final : public Spout {
public:
    /// Neither emits before it may `go`, nor finishes before it may `end_now`.
    Range(std::int64_t first, std::int64_t end, std::shared_ptr<Outcomes> outcomes,
          std::shared_ptr<std::atomic<bool>> go = nullptr,
          std::shared_ptr<std::atomic<bool>> end_now = nullptr)
        : end_(end),
          outcomes_(std::move(outcomes)),
          go_(std::move(go)),
          end_now_(std::move(end_now)),
          next_(first) {}

    void declare_outputs(Outputs& outputs) const override { outputs.stream({{"n", Kind::kInt64}}); }
    void open(const TaskContext& context, SpoutCollector&) override {
        next_ += context.index();
        step_ = static_cast<std::int64_t>(context.tasks_of(context.component()).size());
    }
    Next next_tuple(SpoutCollector& out) override {
        if (go_ != nullptr && !go_->load()) return Next::kIdle;
        std::int64_t n = next_;
        if (!again_.empty()) {
            n = again_.back();
            again_.pop_back();
        } else if (next_ < end_) {
            next_ += step_;
        } else {
            if (end_now_ == nullptr || end_now_->load()) out.finished();
            return Next::kIdle;
        }
        out.emit_tracked(static_cast<MessageId>(n), n);
        return Next::kEmitted;
    }
    void ack(MessageId id) override { outcomes_->ack(id); }
    void fail(MessageId id, FailReason reason) override {
        outcomes_->fail(id, reason);
        again_.push_back(static_cast<std::int64_t>(id));
    }

private:
    const std::int64_t end_;
    const std::shared_ptr<Outcomes> outcomes_;
    const std::shared_ptr<std::atomic<bool>> go_;
    const std::shared_ptr<std::atomic<bool>> end_now_;
    std::int64_t next_;
    std::int64_t step_ = 1;
    std::vector<std::int64_t> again_;
};

/// Keeps what comes until it has `size` of them, or is told that no more come; then emits each of
/// them, and acks it unless `fails` says otherwise.
class Window final : public Bolt {
public:
    struct Calls {
        std::atomic<int> executed{0};
        std::atomic<int> inputs_ended{0};
    };
    using Fails = std::function<bool(std::int64_t)>;

    explicit Window(std::shared_ptr<Calls> calls = std::make_shared<Calls>(),
                    std::size_t size = kWindow, Fails fails = {})
        : calls_(std::move(calls)), size_(size), fails_(std::move(fails)) {}

    void declare_outputs(Outputs& outputs) const override { outputs.stream({{"n", Kind::kInt64}}); }
    void execute(const Tuple& in, BoltCollector& out) override {
        calls_->executed.fetch_add(1);
        kept_.push_back(out.keep(in));
        if (kept_.size() == size_) emit_all(out);
    }
    void inputs_ended(BoltCollector& out) override {
        calls_->inputs_ended.fetch_add(1);
        emit_all(out);
    }

private:
    void emit_all(BoltCollector& out) {
        for (Kept& kept : kept_) {
            const std::int64_t n = kept.tuple().int64(0);
            if (fails_ && fails_(n)) {
                out.fail(std::move(kept));
                continue;
            }
            out.emit(kept.tuple(), n);
            out.ack(std::move(kept));
        }
        kept_.clear();
    }

    const std::shared_ptr<Calls> calls_;
    const std::size_t size_;
    const Fails fails_;
    std::vector<Kept> kept_;
};

class EngineEndings : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }
    auto count() {
        return [seen = seen](const Tuple& in, BasicCollector&) { seen->add(in.int64(0)); };
    }
    /// Half of the tuples come at once, the others when they may `go`: inputs_ended() waits for
    /// these.
    void expect_told_only_once_all_may_go(Running& run, std::atomic<bool>& go) {
        ASSERT_TRUE(eventually([&] { return calls->executed.load() == kCount / 2; }));
        std::this_thread::sleep_for(milliseconds(200));
        EXPECT_EQ(calls->inputs_ended.load(), 0);

        go.store(true);

        expect_all_once(run);
    }
    /// Each tuple has come through once, without a failure.
    void expect_all_once(Running& run) {
        ASSERT_TRUE(run.finishes()) << "acked " << outcomes->acked() << ", seen " << seen->sum();
        EXPECT_TRUE(seen->all_are(1));
        EXPECT_EQ(outcomes->acked(), seen->size());
        EXPECT_EQ(outcomes->failed(), 0);
        EXPECT_EQ(outcomes->told_again(), 0);
    }

    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    const std::shared_ptr<Tally> seen = std::make_shared<Tally>(kCount);
    const std::shared_ptr<Window::Calls> calls = std::make_shared<Window::Calls>();
    TopologyBuilder t;
};

INSTANTIATE_TEST_SUITE_P(Threads, EngineEndings, all_threads(), name_of);

TEST_P(EngineEndings, TheLastIncompleteWindowIsCompletedOnceItsSpoutHasFinished) {
    t.spout<Range>("numbers", 0, kCount, outcomes);
    t.bolt<Window>("window", calls).shuffle("numbers");
    t.bolt_fn("sink", {}, count()).shuffle("window");

    Running run(t, config());

    expect_all_once(run);
    EXPECT_GE(calls->inputs_ended.load(), 1);
}

TEST_P(EngineEndings, AnEndingIsToldThoughNothingElseHappens) {
    // There is no scan of timeouts that brings the spout's next step about, nor any record.
    const auto end_now = std::make_shared<std::atomic<bool>>(false);
    t.spout<Range>("numbers", 0, kCount, outcomes, nullptr, end_now);
    t.bolt<Window>("window", calls).shuffle("numbers");
    t.bolt_fn("sink", {}, count()).shuffle("window");
    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));
    ASSERT_TRUE(eventually([&] { return outcomes->acked() == kCount / kWindow * kWindow; }));
    std::this_thread::sleep_for(milliseconds(100));

    end_now->store(true);

    expect_all_once(run);
}

TEST_P(EngineEndings, SeveralTasksInAnExecutorAreEachTold) {
    t.spout<Range>("numbers", 0, kCount, outcomes).parallelism(2).tasks(6);
    t.bolt<Window>("window", calls).parallelism(2).tasks(6).shuffle("numbers");
    t.bolt_fn("sink", {}, count()).parallelism(2).shuffle("window");

    Running run(t, config());

    expect_all_once(run);
    EXPECT_GE(calls->inputs_ended.load(), 6);
}

TEST_P(EngineEndings, WhatFailsInTheLastWindowComesAgainAndInputsEndedFollowsIt) {
    const auto tries = std::make_shared<Tally>(kCount);
    constexpr std::int64_t kFailing = 40;
    t.spout<Range>("numbers", 0, kCount, outcomes);
    t.bolt<Window>("window", calls, kWindow, [tries](std::int64_t n) {
         tries->add(n);
         return n >= kCount - kFailing && tries->of(n) <= 2;
     }).shuffle("numbers");
    t.bolt_fn("sink", {}, count()).shuffle("window");

    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(seen->all_are(1));
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->failed(FailReason::kBoltFailed), 2 * kFailing);
    EXPECT_EQ(outcomes->failed(), 2 * kFailing);
    EXPECT_GE(calls->inputs_ended.load(), 3);
}

TEST_P(EngineEndings, TwoWindowsInAChainAreCompletedOneAfterTheOther) {
    const auto later = std::make_shared<Window::Calls>();
    t.spout<Range>("numbers", 0, kCount, outcomes);
    t.bolt<Window>("window", calls).parallelism(2).shuffle("numbers");
    t.bolt<Window>("later", later, 700).parallelism(2).shuffle("window");
    t.bolt_fn("sink", {}, count()).shuffle("later");

    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    expect_all_once(run);
}

TEST_P(EngineEndings, InputsEndedWaitsForTheSourceThatEndsLater) {
    const auto go = std::make_shared<std::atomic<bool>>(false);
    t.spout<Range>("early", 0, kCount / 2, outcomes);
    t.spout<Range>("late", kCount / 2, kCount, outcomes, go);
    t.bolt<Window>("window", calls).shuffle("early").shuffle("late");
    t.bolt_fn("sink", {}, count()).shuffle("window");
    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    expect_told_only_once_all_may_go(run, *go);
}

/// Keeps each input; a thread of its own posts its ack, and what comes of it, some time later.
class Later final : public Bolt {
public:
    void declare_outputs(Outputs& outputs) const override { outputs.stream({{"n", Kind::kInt64}}); }
    void prepare(const TaskContext& context, BoltCollector& out) override {
        out_.emplace(out);
        thread_ = std::jthread([this, context](std::stop_token stop) {
            while (!stop.stop_requested()) {
                std::this_thread::sleep_for(milliseconds(3));
                std::vector<Kept> due;
                {
                    const std::lock_guard lock(mutex_);
                    due.swap(kept_);
                }
                for (Kept& kept : due) {
                    (void)context.post([this, kept = std::move(kept)]() mutable {
                        out_->emit(kept.tuple(), kept.tuple().int64(0));
                        out_->ack(std::move(kept));
                    });
                }
            }
        });
    }
    void execute(const Tuple& in, BoltCollector& out) override {
        Kept kept = out.keep(in);
        const std::lock_guard lock(mutex_);
        kept_.push_back(std::move(kept));
    }
    void cleanup() override { thread_ = {}; }

private:
    std::optional<BoltCollector> out_;
    std::mutex mutex_;
    std::vector<Kept> kept_;
    std::jthread thread_;
};

TEST_P(EngineEndings, ABoltThatCompletesLaterIsWaitedForByTheWindowBehindIt) {
    t.spout<Range>("numbers", 0, kCount, outcomes);
    t.bolt<Later>("later").parallelism(2).shuffle("numbers");
    t.bolt<Window>("window", calls).shuffle("later");
    t.bolt_fn("sink", {}, count()).shuffle("window");

    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    expect_all_once(run);
}

/// Fails the last tuple once, late, while nobody else has anything to do; with `keeps` after it was
/// kept, by another thread's call.
class FailsTheLastOnce final : public Bolt {
public:
    explicit FailsTheLastOnce(bool keeps) : keeps_(keeps) {}

    void declare_outputs(Outputs& outputs) const override { outputs.stream({{"n", Kind::kInt64}}); }
    void prepare(const TaskContext& context, BoltCollector& out) override {
        context_.emplace(context);
        out_.emplace(out);
    }
    void execute(const Tuple& in, BoltCollector& out) override {
        if (in.int64(0) == kCount - 1 && !std::exchange(failed_, true)) return fail_late(in, out);
        out.emit(in, in.int64(0));
        out.ack(in);
    }
    void cleanup() override { thread_ = {}; }

private:
    void fail_late(const Tuple& in, BoltCollector& out) {
        if (!keeps_) {
            std::this_thread::sleep_for(milliseconds(200));
            return out.fail(in);
        }
        thread_ = std::jthread([this, kept = std::make_shared<Kept>(out.keep(in))] {
            std::this_thread::sleep_for(milliseconds(200));
            (void)context_->post([this, kept] { out_->fail(std::move(*kept)); });
        });
    }

    const bool keeps_;
    bool failed_ = false;
    std::optional<TaskContext> context_;
    std::optional<BoltCollector> out_;
    std::jthread thread_;
};

/// Joins the tuples of two sources by their number; what is alone when nothing more comes is acked.
class Pairs final : public Bolt {
public:
    explicit Pairs(std::shared_ptr<std::atomic<int>> alone) : alone_(std::move(alone)) {}

    void declare_outputs(Outputs& outputs) const override { outputs.stream({{"n", Kind::kInt64}}); }
    void execute(const Tuple& in, BoltCollector& out) override {
        const std::int64_t n = in.int64(0);
        const auto found = waiting_.find(n);
        if (found == waiting_.end()) {
            waiting_.emplace(n, out.keep(in));
            return;
        }
        const Tuple* const both[] = {&in, &found->second.tuple()};
        out.emit(both, n);
        out.ack(std::move(found->second));
        out.ack(in);
        waiting_.erase(found);
    }
    void inputs_ended(BoltCollector& out) override {
        alone_->fetch_add(static_cast<int>(waiting_.size()));
        for (auto& [n, kept] : waiting_) out.ack(std::move(kept));
        waiting_.clear();
    }

private:
    const std::shared_ptr<std::atomic<int>> alone_;
    std::map<std::int64_t, Kept> waiting_;
};

TEST_P(EngineEndings, InputsEndedWaitsForWhatFailsLateAndComesAgain) {
    for (const bool keeps : {false, true}) {
        TopologyBuilder joined;
        const auto alone = std::make_shared<std::atomic<int>>(0);
        const auto pairs = std::make_shared<Tally>(kCount);
        joined.spout<Range>("left", 0, kCount, outcomes);
        joined.spout<Range>("right", 0, kCount, std::make_shared<Outcomes>());
        joined.bolt<FailsTheLastOnce>("lookup", keeps).shuffle("left");
        joined.bolt<Pairs>("pairs", alone).fields("lookup", {"n"}).fields("right", {"n"});
        joined
            .bolt_fn("sink", {},
                     [pairs](const Tuple& in, BasicCollector&) { pairs->add(in.int64(0)); })
            .shuffle("pairs");

        Running run(joined, config({{"topology.enable.message.timeouts", "false"}}));

        ASSERT_TRUE(run.finishes()) << "pairs " << pairs->sum();
        EXPECT_EQ(alone->load(), 0) << keeps;
        EXPECT_TRUE(pairs->all_are(1)) << keeps;
    }
}

TEST_P(EngineEndings, InputsEndedIsToldOnceIfNothingComesAfterIt) {
    t.spout<Range>("numbers", 0, kCount, outcomes);
    t.bolt<Window>("kept", calls).shuffle("numbers");
    const auto not_kept = std::make_shared<Window::Calls>();
    t.bolt<Window>("passed", not_kept, 1).shuffle("numbers");
    t.bolt_fn("sink", {}, count()).shuffle("kept");

    Running run(t, config());

    expect_all_once(run);
    EXPECT_EQ(calls->inputs_ended.load(), 1);
    EXPECT_EQ(not_kept->inputs_ended.load(), 1);
}

TEST_P(EngineEndings, AKeeperWhoseTuplesAnotherTaskAcksPassesTheEndingOn) {
    // Both tasks keep; one of them acks all, long after the ending has come to both.
    constexpr std::int64_t kFew = 100;
    struct Shared {
        std::mutex mutex;
        std::vector<Kept> kept;
        std::optional<TaskContext> context;
        std::optional<BoltCollector> out;

        std::size_t size() {
            const std::lock_guard lock(mutex);
            return kept.size();
        }
    };
    const auto shared = std::make_shared<Shared>();
    t.spout<Range>("numbers", 0, kFew, outcomes);
    t.bolt<AnyBolt>("keepers", kN,
                    BoltScript{.execute =
                                   [shared](const Tuple& in, BoltCollector& out) {
                                       Kept kept = out.keep(in);
                                       const std::lock_guard lock(shared->mutex);
                                       shared->kept.push_back(std::move(kept));
                                   },
                               .prepare =
                                   [shared](const TaskContext& context, BoltCollector& out) {
                                       if (context.index() != 0) return;
                                       shared->context.emplace(context);
                                       shared->out.emplace(out);
                                   }})
        .parallelism(2)
        .shuffle("numbers");
    t.bolt<Window>("window", calls).shuffle("keepers");
    t.bolt_fn("sink", {}, count()).shuffle("window");
    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));
    ASSERT_TRUE(eventually([&] { return shared->size() == kFew; }));
    std::this_thread::sleep_for(milliseconds(200));

    ASSERT_TRUE(shared->context->post([shared] {
        for (Kept& kept : shared->kept) {
            shared->out->emit(kept.tuple(), kept.tuple().int64(0));
            shared->out->ack(std::move(kept));
        }
    }));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kFew);
    EXPECT_EQ(seen->sum(), kFew);
}

TEST_P(EngineEndings, ADrainedTopologyCompletesItsLastWindow) {
    const auto emitted = std::make_shared<std::atomic<std::int64_t>>(0);
    const auto told = outcomes;
    t.spout<AnySpout>(
        "endless", kN,
        SpoutScript{.next =
                        [emitted](SpoutCollector& out) {
                            const std::int64_t n = emitted->load();
                            if (n >= 100 && n % 100 == 0)
                                std::this_thread::sleep_for(std::chrono::microseconds(200));
                            out.emit_tracked(static_cast<MessageId>(n), n);
                            emitted->store(n + 1);
                            return Next::kEmitted;
                        },
                    .open = {},
                    .ack = [told](MessageId id) { told->ack(id); },
                    .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }});
    t.bolt<Window>("window", calls).shuffle("endless");
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("window");
    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));
    ASSERT_TRUE(eventually([&] { return outcomes->acked() > 1'000; }));

    run.engine().drain();

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), emitted->load());
    EXPECT_EQ(outcomes->failed(), 0);
}

TEST_P(EngineEndings, InputsEndedPrecedesFinishThoughNothingIsTracked) {
    const auto order = std::make_shared<std::vector<std::string>>();
    const auto sum = std::make_shared<std::atomic<std::int64_t>>(0);
    t.spout<Numbers>("numbers", kCount);
    t.bolt<AnyBolt>(
         "sum", kN,
         BoltScript{.execute =
                        [order](const Tuple& in, BoltCollector& out) {
                            order->resize(1, "execute");
                            out.ack(in);
                        },
                    .prepare = {},
                    .inputs_ended =
                        [order](BoltCollector& out) {
                            order->emplace_back("inputs_ended");
                            out.emit_unanchored(kCount);
                        },
                    .finish = [order](BoltCollector&) { order->emplace_back("finish"); }})
        .shuffle("numbers");
    t.bolt_fn("sink", {}, [sum](const Tuple& in, BasicCollector&) {
         sum->fetch_add(in.int64(0));
     }).shuffle("sum");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_THAT(*order, ::testing::ElementsAre("execute", "inputs_ended", "finish"));
    EXPECT_EQ(sum->load(), kCount);
}

// ---- Cycles ------------------------------------------------------------------------------------

/// A window in a cycle: emits what it kept to the next one, `hops` times in all, then out of it.
class Round final : public Bolt {
public:
    explicit Round(std::size_t size) : size_(size) {}
    void declare_outputs(Outputs& outputs) const override {
        outputs.stream({{"n", Kind::kInt64}, {"hops", Kind::kInt64}});
        outputs.stream("out", {{"n", Kind::kInt64}});
    }
    void execute(const Tuple& in, BoltCollector& out) override {
        kept_.push_back(out.keep(in));
        if (kept_.size() == size_) emit_all(out);
    }
    void inputs_ended(BoltCollector& out) override { emit_all(out); }

private:
    void emit_all(BoltCollector& out) {
        for (Kept& kept : std::exchange(kept_, {})) {
            const Tuple& in = kept.tuple();
            if (in.int64(1) > 0) {
                out.emit(in, in.int64(0), in.int64(1) - 1);
            } else {
                out.on("out").emit(in, in.int64(0));
            }
            out.ack(std::move(kept));
        }
    }

    const std::size_t size_;
    std::vector<Kept> kept_;
};

void add_rounds(TopologyBuilder& t, std::int64_t hops, const std::shared_ptr<Outcomes>& outcomes) {
    t.spout<Range>("numbers", 0, kCount, outcomes);
    t.bolt_fn("enter", {{"n", Kind::kInt64}, {"hops", Kind::kInt64}},
              [hops](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0), hops); })
        .shuffle("numbers");
    t.bolt<Round>("left", kWindow).parallelism(2).shuffle("enter").shuffle("right");
    t.bolt<Round>("right", 70U).shuffle("left");
}

TEST_P(EngineEndings, WindowsInsideOfACycleAreCompletedAsOftenAsTheirTuplesGoRound) {
    add_rounds(t, 5, outcomes);
    t.bolt_fn("sink", {}, count()).shuffle("left", "out").shuffle("right", "out");

    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    expect_all_once(run);
}

TEST_P(EngineEndings, AWindowBehindACycleIsToldAfterTheLastThatLeavesIt) {
    add_rounds(t, 4, outcomes);
    t.bolt<Window>("window", calls).shuffle("left", "out").shuffle("right", "out");
    t.bolt_fn("sink", {}, count()).shuffle("window");

    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    expect_all_once(run);
}

TEST_P(EngineEndings, ACycleWhoseMembersAlwaysEmitInInputsEndedEnds) {
    constexpr std::int64_t kFew = 50;
    const auto always =
        BoltScript{.execute = [](const Tuple& in, BoltCollector& out) { out.ack(in); },
                   .prepare = {},
                   .inputs_ended = [](BoltCollector& out) { out.emit_unanchored(-1); }};
    t.spout<Range>("numbers", 0, kFew, outcomes);
    t.bolt<AnyBolt>("left", kN, always).shuffle("numbers").shuffle("right");
    t.bolt<AnyBolt>("right", kN, always).shuffle("left");
    t.bolt<Window>("window", calls).shuffle("numbers").shuffle("right");

    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kFew);
}

TEST_P(EngineEndings, InputsEndedInACycleWaitsForTheSourceOfEachMember) {
    const auto go = std::make_shared<std::atomic<bool>>(false);
    t.spout<Range>("early", 0, kCount / 2, outcomes);
    t.spout<Range>("late", kCount / 2, kCount, outcomes, go);
    t.bolt<Window>("left", calls, std::size_t{kCount}).shuffle("early").shuffle("right", "none");
    t.bolt<AnyBolt>("right", Streams{{"default", kN[0].fields, false}, {"none", {}, false}},
                    BoltScript{.execute =
                                   [](const Tuple& in, BoltCollector& out) {
                                       out.emit(in, in.int64(0));
                                       out.ack(in);
                                   }})
        .shuffle("late")
        .shuffle("left");
    t.bolt_fn("sink", {}, count()).shuffle("right");
    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    expect_told_only_once_all_may_go(run, *go);
}

TEST_P(EngineEndings, InputsEndedIsNotRepeatedInACycleThatKeepsNothing) {
    const auto told = std::make_shared<std::atomic<int>>(0);
    struct Held {
        std::optional<TaskContext> context;
        std::optional<BoltCollector> out;
        std::optional<Kept> kept;
    };
    const auto held = std::make_shared<Held>();
    const auto always =
        BoltScript{.execute = [](const Tuple& in, BoltCollector& out) { out.ack(in); },
                   .inputs_ended =
                       [told](BoltCollector& out) {
                           told->fetch_add(1);
                           out.emit_unanchored(-1);
                       }};
    t.spout<AnySpout>(
        "numbers", kN,
        SpoutScript{.next =
                        [](SpoutCollector& out) {
                            out.emit_tracked(0, std::int64_t{0});
                            out.finished();
                            return Next::kEmitted;
                        },
                    .open = {},
                    .ack = [o = outcomes](MessageId id) { o->ack(id); },
                    .fail = [o = outcomes](MessageId id, FailReason why) { o->fail(id, why); }});
    t.bolt<AnyBolt>("left", kN, always).shuffle("numbers").shuffle("right");
    t.bolt<AnyBolt>("right", kN, always).shuffle("left");
    t.bolt<AnyBolt>("holds", kNoStreams,
                    BoltScript{.execute = [held](const Tuple& in,
                                                 BoltCollector& out) { held->kept = out.keep(in); },
                               .prepare =
                                   [held](const TaskContext& context, BoltCollector& out) {
                                       held->context.emplace(context);
                                       held->out.emplace(out);
                                   }})
        .shuffle("numbers");
    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));
    EXPECT_TRUE(eventually([&] { return told->load() >= 2; }));
    std::this_thread::sleep_for(milliseconds(200));

    EXPECT_EQ(told->load(), 2);
    ASSERT_TRUE(held->context->post([held] { held->out->ack(std::move(*held->kept)); }));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 1);
}

TEST_P(EngineEndings, FinishOfACycleComesAfterItsLastUntrackedRow) {
    constexpr std::int64_t kHops = 2'000;
    const auto executed = std::make_shared<std::atomic<std::int64_t>>(0);
    const auto at_finish = std::make_shared<std::atomic<std::int64_t>>(kHops);
    const BoltScript hop{.execute =
                             [executed](const Tuple& in, BoltCollector& out) {
                                 executed->fetch_add(1);
                                 const std::int64_t left = in.int64(0) - 1;
                                 if (left > 0) out.emit_unanchored(left);
                                 out.ack(in);
                             },
                         .finish =
                             [=](BoltCollector&) {
                                 at_finish->store(std::min(at_finish->load(), executed->load()));
                             }};
    t.spout<AnySpout>("one", kN, SpoutScript{.next = [](SpoutCollector& out) {
                          out.emit(std::int64_t{kHops});
                          out.finished();
                          return Next::kEmitted;
                      }});
    t.bolt<AnyBolt>("left", kN, hop).shuffle("one").shuffle("right");
    t.bolt<AnyBolt>("right", kN, hop).shuffle("left");
    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(executed->load(), kHops);
    EXPECT_EQ(at_finish->load(), kHops);
}

// ---- Spouts that have finished -----------------------------------------------------------------

/// Fails each of its inputs in a tick, some time after they came.
BoltScript fail_later() {
    return {.execute = [kept = std::make_shared<std::vector<Kept>>()](const Tuple& in,
                                                                      BoltCollector& out) {
        if (!in.is_tick()) {
            kept->push_back(out.keep(in));
            return;
        }
        for (Kept& each : *kept) out.fail(std::move(each));
        kept->clear();
    }};
}

TEST_P(EngineEndings, ASpoutThatDoesNotOverrideFailIsNotAskedAgain) {
    class Forgets final : public Spout {
    public:
        explicit Forgets(std::shared_ptr<std::atomic<int>> asked) : asked_(std::move(asked)) {}
        void declare_outputs(Outputs& outputs) const override { outputs.stream({"n"}); }
        Next next_tuple(SpoutCollector& out) override {
            if (finished_) asked_->fetch_add(1);
            for (int n = 0; n < 100; ++n) out.emit_tracked(static_cast<MessageId>(n), n);
            out.finished();
            finished_ = true;
            return Next::kEmitted;
        }

    private:
        const std::shared_ptr<std::atomic<int>> asked_;
        bool finished_ = false;
    };
    const auto asked = std::make_shared<std::atomic<int>>(0);
    t.spout<Forgets>("numbers", asked);
    t.bolt<AnyBolt>("fails", kNoStreams, fail_later()).tick(milliseconds(50)).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(asked->load(), 0);
    EXPECT_EQ(run.of("numbers").failed, 100);
}

TEST_P(EngineEndings, ASpoutOfWhichNothingFailsIsNotAskedAgainThoughItAlwaysSaysEmitted) {
    const auto asked = std::make_shared<std::atomic<int>>(0);
    const auto told = outcomes;
    t.spout<AnySpout>(
        "numbers", kN,
        SpoutScript{.next =
                        [asked, finished = false](SpoutCollector& out) mutable {
                            if (finished) asked->fetch_add(1);
                            for (int n = 0; n < 100 && !finished; ++n)
                                out.emit_tracked(static_cast<MessageId>(n), n);
                            out.finished();
                            finished = true;
                            return Next::kEmitted;
                        },
                    .open = {},
                    .ack = [told](MessageId id) { told->ack(id); },
                    .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }});
    t.bolt<AnyBolt>("keeps", kNoStreams,
                    BoltScript{.execute =
                                   [kept = std::make_shared<std::vector<Kept>>()](
                                       const Tuple& in, BoltCollector& out) {
                                       if (!in.is_tick()) {
                                           kept->push_back(out.keep(in));
                                           return;
                                       }
                                       for (Kept& each : *kept) out.ack(std::move(each));
                                       kept->clear();
                                   }})
        .tick(milliseconds(100))
        .shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(asked->load(), 0);
    EXPECT_EQ(outcomes->acked(), 100);
}

TEST_P(EngineEndings, WhatFailsLongAfterFinishedIsEmittedAgain) {
    constexpr std::int64_t kFew = 100;
    const auto tries = std::make_shared<Tally>(kFew);
    t.spout<Range>("numbers", 0, kFew, outcomes);
    t.bolt<AnyBolt>("some", kNoStreams,
                    BoltScript{.execute =
                                   [tries, kept = std::make_shared<std::vector<Kept>>()](
                                       const Tuple& in, BoltCollector& out) {
                                       if (in.is_tick()) {
                                           for (Kept& each : *kept) out.fail(std::move(each));
                                           kept->clear();
                                       } else if (const std::int64_t n = in.int64(0);
                                                  n % 3 == 0 && tries->of(n) < 2) {
                                           tries->add(n);
                                           kept->push_back(out.keep(in));
                                       } else {
                                           tries->add(n);
                                           out.ack(in);
                                       }
                                   }})
        .tick(milliseconds(50))
        .shuffle("numbers");

    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kFew);
    EXPECT_EQ(outcomes->failed(FailReason::kBoltFailed), 2 * 34);
    for (std::int64_t n = 0; n < kFew; ++n) ASSERT_EQ(tries->of(n), n % 3 == 0 ? 3 : 1) << n;
}

TEST_P(EngineEndings, AReplayInSeveralCallsIsEmittedCompletely) {
    struct State {
        std::deque<std::int64_t> todo{0};
        std::optional<SpoutCollector> out;
    };
    auto s = std::make_shared<State>();
    auto tally = std::make_shared<Tally>(3);
    t.spout<AnySpout>(
        "halves", default_stream({{"n", Kind::kInt64}}),
        SpoutScript{.next =
                        [s](SpoutCollector& out) {
                            if (s->todo.empty()) return Next::kIdle;
                            const std::int64_t n = s->todo.front();
                            s->todo.pop_front();
                            out.emit_tracked(static_cast<MessageId>(n), n);
                            out.finished();
                            return Next::kEmitted;
                        },
                    .open = [s](const TaskContext&, SpoutCollector& out) { s->out.emplace(out); },
                    .fail =
                        [s](MessageId id, FailReason) {
                            s->todo = {1, 2};  // Too large: two halves.
                            s->out->dealt_with(id);
                        }});
    t.bolt_fn("sink", {}, [tally](const Tuple& in, BasicCollector&) {
         tally->add(in.int64(0));
         if (in.int64(0) == 0) throw FailedError("too large");
     }).shuffle("halves");
    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(tally->of(1), 1);
    EXPECT_EQ(tally->of(2), 1);
    EXPECT_FALSE(run.of("halves").losses().any());
}

TEST_P(EngineEndings, ASpoutThatNeverSaysIdleAfterAFailureIsEndedAndThatIsALoss) {
    auto n = std::make_shared<std::int64_t>(0);
    t.spout<AnySpout>("endless", default_stream({{"n", Kind::kInt64}}),
                      SpoutScript{.next =
                                      [n](SpoutCollector& out) {
                                          out.finished();
                                          if (*n > 0) {
                                              out.emit(++*n);
                                          } else {
                                              out.emit_tracked(7, ++*n);
                                          }
                                          return Next::kEmitted;
                                      },
                                  .fail = [](MessageId, FailReason) {}});
    t.bolt_fn("sink", {}, [](const Tuple& in, BasicCollector&) {
         if (in.int64(0) == 1) throw FailedError("no");
     }).shuffle("endless");
    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(run.of("endless").losses().unreplayed, 1);
    EXPECT_EQ(run.of("endless").losses().emits, 1);
}

TEST_P(EngineEndings, TheEndingIsToldThoughAllThatMayBePendingIsKept) {
    constexpr std::int64_t kPendingMax = 10;
    auto next = std::make_shared<std::int64_t>(0);
    auto own = std::make_shared<std::optional<SpoutCollector>>();
    auto kept = std::make_shared<std::vector<Kept>>();
    t.spout<AnySpout>(
        "numbers", default_stream({{"n", Kind::kInt64}}),
        SpoutScript{.next =
                        [next](SpoutCollector& out) {
                            if (*next > kPendingMax) return Next::kIdle;
                            out.emit_tracked(static_cast<MessageId>(*next), *next);
                            if (++*next > kPendingMax) out.finished();
                            return Next::kEmitted;
                        },
                    .open = [own](const TaskContext&, SpoutCollector& out) { own->emplace(out); },
                    .ack = [told = outcomes](MessageId id) { told->ack(id); },
                    .fail =
                        [told = outcomes, own](MessageId id, FailReason reason) {
                            told->fail(id, reason);
                            (*own)->dealt_with(id);
                        }});
    t.bolt<AnyBolt>("window", Streams{},
                    BoltScript{.execute =
                                   [kept](const Tuple& in, BoltCollector& out) {
                                       if (in.int64(0) == 0) return out.fail(in);
                                       kept->push_back(out.keep(in));
                                   },
                               .inputs_ended =
                                   [kept](BoltCollector& out) {
                                       for (Kept& each : *kept) out.ack(std::move(each));
                                       kept->clear();
                                   }})
        .shuffle("numbers");
    Running run(
        t, config_of(GetParam(), {{"topology.max.spout.pending", std::to_string(kPendingMax)}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kPendingMax);
    EXPECT_EQ(outcomes->failed(), 1);
}

}  // namespace
}  // namespace storm::testing

// Goal:   what is told to user code is told in bounded turns and within credit, to whom it belongs:
//         acks and fails of a spout that waits, tasks that share an executor, and tuples that one
//         component keeps and another one settles.
// Method: small topologies with stuck sinks and many failures at once, on one, two and three loops
//         and with a thread for each executor. What does not end in time has hung.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
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
#include "tests/support/gate.h"
#include "tests/support/resident.h"

namespace storm::testing {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int64_t kKiB = 1 << 10;
const Streams kN = default_stream({{"n", Kind::kInt64}});
const Streams kNText = default_stream({{"n", Kind::kInt64}, {"text", Kind::kString}});
const Streams kNoStreams;

void spin(microseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
    }
}

class EngineCallbacks : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }
    auto stuck() {
        return [gate = gate](const Tuple&, BasicCollector&) { gate->pass(); };
    }

    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    const std::shared_ptr<Gate> gate = std::make_shared<Gate>();
    TopologyBuilder t;
};

INSTANTIATE_TEST_SUITE_P(Threads, EngineCallbacks, all_threads(), name_of);

// ---- A spout that waits for credit -------------------------------------------------------------

/// Emits texts, `rows` in a call, until it is told to finish; with `again`, emits once more inside
/// of each fail().
class Texts final : public Spout {
public:
    struct Script {
        std::size_t bytes;
        int rows = 1;
        bool again = false;
    };
    Texts(Script script, std::shared_ptr<Outcomes> outcomes,
          std::shared_ptr<std::atomic<bool>> finish)
        : script_(script), outcomes_(std::move(outcomes)), finish_(std::move(finish)) {}
    void declare_outputs(Outputs& outputs) const override { declare(outputs, kNText); }
    void open(const TaskContext&, SpoutCollector& out) override { out_.emplace(out); }
    Next next_tuple(SpoutCollector&) override {
        if (finish_->load()) {
            out_->finished();
            return Next::kIdle;
        }
        for (int i = 0; i < script_.rows; ++i) emit();
        return Next::kEmitted;
    }
    void ack(MessageId id) override { outcomes_->ack(id); }
    void fail(MessageId id, FailReason reason) override {
        outcomes_->fail(id, reason);
        if (script_.again && !finish_->load()) emit();
    }

private:
    void emit() {
        out_->emit_tracked(next_, static_cast<std::int64_t>(next_),
                           std::string(script_.bytes, 'x'));
        ++next_;
    }

    const Script script_;
    const std::shared_ptr<Outcomes> outcomes_;
    const std::shared_ptr<std::atomic<bool>> finish_;
    std::optional<SpoutCollector> out_;
    MessageId next_ = 0;
};

TEST_P(EngineCallbacks, ASpoutThatWaitsForCreditIsToldWhatTimesOut) {
    const auto finish = std::make_shared<std::atomic<bool>>(false);
    // A single one uses up its credit.
    t.spout<Texts>("texts", Texts::Script{.bytes = 100'000}, outcomes, finish);
    t.bolt_fn("sink", {}, stuck()).blocking().shuffle("texts");
    Running run(t, config({{"topology.message.timeout.secs", "1"}}));
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));

    EXPECT_TRUE(eventually([&] { return outcomes->failed(FailReason::kTimedOut) >= 1; }));

    EXPECT_EQ(gate->waiting(), 1);
    finish->store(true);
    gate->open();
    EXPECT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->told_again(), 0);
}

TEST_P(EngineCallbacks, ASpoutThatWaitsAfterACallThatEmittedMuchIsToldWhatTimesOut) {
    if (GetParam().dedicated) GTEST_SKIP() << "it waits inside of that call";
    const auto finish = std::make_shared<std::atomic<bool>>(false);
    t.spout<Texts>("texts", Texts::Script{.bytes = 16'000, .rows = 20}, outcomes, finish);
    t.bolt_fn("sink", {}, stuck()).blocking().shuffle("texts");
    Running run(t, config({{"topology.message.timeout.secs", "1"}}));
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));

    EXPECT_TRUE(eventually([&] { return outcomes->failed(FailReason::kTimedOut) >= 20; }));

    finish->store(true);
    gate->open();
    EXPECT_TRUE(run.finishes());
}

/// Emits 1,000 tracked numbers; emits `bytes` to the stuck "side" in front of them, and `in_fail`
/// inside of each fail(), which takes 100 us.
void add_blocked(TopologyBuilder& t, const std::shared_ptr<Outcomes>& outcomes,
                 const std::shared_ptr<Gate>& gate, std::size_t bytes, std::size_t in_fail) {
    const auto side = std::make_shared<std::optional<SpoutCollector>>();
    t.spout<AnySpout>(
        "numbers",
        Streams{{"default", {{"n", Kind::kInt64}}, false},
                {"side", {{"text", Kind::kString}}, false}},
        SpoutScript{.next =
                        [=, done = false](SpoutCollector& out) mutable {
                            if (std::exchange(done, true)) return Next::kIdle;
                            if (bytes > 0) (*side)->emit(std::string(bytes, 'x'));
                            for (std::int64_t n = 0; n < 1'000; ++n)
                                out.emit_tracked(static_cast<MessageId>(n), n);
                            return Next::kEmitted;
                        },
                    .open = [side](const TaskContext&,
                                   SpoutCollector& out) { side->emplace(out.on("side")); },
                    .ack = [outcomes](MessageId id) { outcomes->ack(id); },
                    .fail =
                        [=](MessageId id, FailReason reason) {
                            outcomes->fail(id, reason);
                            spin(microseconds(100));
                            if (in_fail > 0) (*side)->emit(std::string(in_fail, 'x'));
                        }});
    // Fails all at once, so that nothing wakes the spout a second time.
    t.bolt<AnyBolt>("fails", kNoStreams,
                    BoltScript{.execute =
                                   [kept = std::make_shared<std::vector<Kept>>()](
                                       const Tuple& in, BoltCollector& out) {
                                       kept->push_back(out.keep(in));
                                       if (kept->size() < 1'000) return;
                                       for (Kept& each : *kept) out.fail(std::move(each));
                                       kept->clear();
                                   }})
        .shuffle("numbers");
    t.bolt_fn("side", {}, [gate](const Tuple&, BasicCollector&) { gate->pass(); })
        .blocking()
        .shuffle("numbers", "side");
}

TEST_P(EngineCallbacks, ASpoutThatWaitsForCreditIsToldAllThatFailsHoweverLongItTakes) {
    add_blocked(t, outcomes, gate, 400'000, 0);
    Running run(t, config({{"topology.enable.message.timeouts", "false"},
                           {"topology.worker.buffer.bytes", "1048576"}}));

    EXPECT_TRUE(eventually([&] { return outcomes->failed() == 1'000; })) << outcomes->failed();
    EXPECT_EQ(gate->waiting(), 1) << "it still waits";
    gate->open();
}

TEST_P(EngineCallbacks, ASpoutThatIsDrainedWhileItsFailsWaitForCreditIsToldAllOfThem) {
    add_blocked(t, outcomes, gate, 0, 5'000);
    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));
    std::size_t before = 0;
    ASSERT_TRUE(eventually([&] {
        std::this_thread::sleep_for(milliseconds(100));
        return outcomes->failed() > 0 && std::exchange(before, outcomes->failed()) == before;
    }));
    ASSERT_LT(before, 1'000) << "some wait";

    run.engine().drain();
    std::this_thread::sleep_for(milliseconds(100));
    gate->open();

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(), 1'000);
}

TEST_P(EngineCallbacks, WhatASpoutThatWaitsEmitsInsideOfFailStaysBounded) {
    const auto finish = std::make_shared<std::atomic<bool>>(false);
    t.spout<Texts>("texts", Texts::Script{.bytes = 8'000, .rows = 10, .again = true}, outcomes,
                   finish);
    t.bolt_fn("sink", {}, stuck()).blocking().shuffle("texts");
    Running run(t, config({{"topology.message.timeout.secs", "1"}}));
    ASSERT_TRUE(eventually([&] { return gate->waiting() == 1; }));
    ASSERT_TRUE(eventually([&] { return outcomes->failed(FailReason::kTimedOut) >= 4; }));
    std::this_thread::sleep_for(
        milliseconds(3'500));  // Three more timeouts of all that is pending.

    EXPECT_LE(run.bytes_in_flight(), 256 * kKiB) << "64 KiB of credit, and as much beyond it";
    finish->store(true);
    gate->open();
    EXPECT_TRUE(run.finishes());
}

TEST_P(EngineCallbacks, AHundredThousandFailuresAtOnceAreEmittedAgainInsideOfFailWithoutOverflow) {
    constexpr std::int64_t kCount = kSanitized ? 20'000 : 100'000;
    const auto again = std::make_shared<Tally>(kCount);
    class Retries final : public Spout {
    public:
        explicit Retries(std::shared_ptr<Outcomes> outcomes) : outcomes_(std::move(outcomes)) {}
        void declare_outputs(Outputs& outputs) const override { declare(outputs, kNText); }
        void open(const TaskContext&, SpoutCollector& out) override { out_.emplace(out); }
        Next next_tuple(SpoutCollector&) override {
            if (next_ == kCount) {
                out_->finished();
                return Next::kIdle;
            }
            emit(static_cast<MessageId>(next_++));
            return Next::kEmitted;
        }
        void ack(MessageId id) override { outcomes_->ack(id); }
        void fail(MessageId id, FailReason reason) override {
            outcomes_->fail(id, reason);
            emit(id);
        }

    private:
        void emit(MessageId id) {
            out_->emit_tracked(id, static_cast<std::int64_t>(id), std::string(500, 'x'));
        }

        const std::shared_ptr<Outcomes> outcomes_;
        std::optional<SpoutCollector> out_;
        std::int64_t next_ = 0;
    };
    t.spout<Retries>("texts", outcomes);
    t.bolt<AnyBolt>("keeps", kNoStreams,
                    BoltScript{.execute =
                                   [again, kept = std::make_shared<std::vector<Kept>>()](
                                       const Tuple& in, BoltCollector& out) {
                                       again->add(in.int64(0));
                                       if (again->of(in.int64(0)) > 1) return out.ack(in);
                                       kept->push_back(out.keep(in));
                                       if (kept->size() < kCount) return;
                                       for (Kept& each : *kept) out.fail(std::move(each));
                                       kept->clear();
                                   }})
        .shuffle("texts");

    Running run(t, config());

    ASSERT_TRUE(run.finishes(kPatience * 2)) << "acked " << outcomes->acked();
    EXPECT_EQ(outcomes->failed(FailReason::kOverflow), 0);
    EXPECT_EQ(outcomes->failed(), kCount);
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_TRUE(again->all_are(2));
}

TEST_P(EngineCallbacks, WhatNobodyListensToIsAckedThoughItWasEmittedInsideOfFail) {
    constexpr std::int64_t kCount = 1'000;
    class DeadLetters final : public Spout {
    public:
        explicit DeadLetters(std::shared_ptr<Outcomes> outcomes) : outcomes_(std::move(outcomes)) {}
        void declare_outputs(Outputs& outputs) const override {
            outputs.stream({"n"});
            outputs.stream("dead", {"n"});
        }
        void open(const TaskContext&, SpoutCollector& out) override { out_.emplace(out); }
        Next next_tuple(SpoutCollector& out) override {
            if (next_ == kCount) {
                out.finished();
                return Next::kIdle;
            }
            out.emit_tracked(static_cast<MessageId>(next_), next_);
            ++next_;
            return Next::kEmitted;
        }
        void ack(MessageId id) override { outcomes_->ack(id); }
        void fail(MessageId id, FailReason reason) override {
            outcomes_->fail(id, reason);
            out_->on("dead").emit_tracked(kCount + id, static_cast<std::int64_t>(id));
        }

    private:
        const std::shared_ptr<Outcomes> outcomes_;
        std::optional<SpoutCollector> out_;
        std::int64_t next_ = 0;
    };
    t.spout<DeadLetters>("letters", outcomes);
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {
         throw FailedError("no");
     }).shuffle("letters");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kBoltFailed), kCount);
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->ids(), 2 * kCount);
}

// ---- Tasks that share an executor --------------------------------------------------------------

/// Emits texts for ever, and counts them by its task's index.
class Share final : public Spout {
public:
    Share(std::size_t bytes, std::shared_ptr<Tally> emitted)
        : bytes_(bytes), emitted_(std::move(emitted)) {}
    void declare_outputs(Outputs& outputs) const override { declare(outputs, kNText); }
    void open(const TaskContext& context, SpoutCollector&) override { index_ = context.index(); }
    Next next_tuple(SpoutCollector& out) override {
        out.emit(index_, std::string(bytes_, 'x'));
        emitted_->add(index_);
        return Next::kEmitted;
    }

private:
    const std::size_t bytes_;
    const std::shared_ptr<Tally> emitted_;
    int index_ = 0;
};

TEST_P(EngineCallbacks, TasksOfOneSpoutExecutorEachEmitTheirShareOfLargeRows) {
    for (const int tasks : {2, 3}) {
        for (const std::size_t bytes : {100'000U, 20'000U}) {
            SCOPED_TRACE(std::to_string(tasks) + " tasks, rows of " + std::to_string(bytes));
            TopologyBuilder each;
            const auto emitted = std::make_shared<Tally>(static_cast<std::size_t>(tasks));
            each.spout<Share>("texts", bytes, emitted).tasks(tasks);
            each.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) { spin(microseconds(200)); })
                .shuffle("texts");
            Running run(each, config());

            ASSERT_TRUE(eventually([&] { return emitted->sum() >= 300; }));
            ASSERT_TRUE(run.stop());

            std::vector<int> counts;
            for (int i = 0; i < tasks; ++i) counts.push_back(emitted->of(i));
            const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
            EXPECT_LE(*most, *least * 3 / 2) << ::testing::PrintToString(counts);
        }
    }
}

// ---- Whose a kept tuple is ---------------------------------------------------------------------

/// Keeps its inputs where others can take them.
struct Box {
    std::mutex mutex;
    std::vector<Kept> kept;
};

/// Emits nothing, and ends when all is settled.
SpoutScript until_settled(const std::shared_ptr<Outcomes>& told, std::size_t count) {
    return {.next = [told, count](SpoutCollector& out) {
        if (told->settled() == count) out.finished();
        return Next::kIdle;
    }};
}

BoltScript keep_in(const std::shared_ptr<Box>& box) {
    return {.execute = [box](const Tuple& in, BoltCollector& out) {
        Kept kept = out.keep(in);
        const std::lock_guard lock(box->mutex);
        box->kept.push_back(std::move(kept));
    }};
}

BoltScript settle_from(const std::shared_ptr<Box>& box, bool acks) {
    return {.execute = [box, acks](const Tuple& in, BoltCollector& out) {
        if (!in.is_tick()) return out.ack(in);
        const std::lock_guard lock(box->mutex);
        for (Kept& kept : box->kept) {
            if (acks) {
                out.ack(std::move(kept));
            } else {
                out.fail(std::move(kept), "not mine");
            }
        }
        box->kept.clear();
    }};
}

TEST_P(EngineCallbacks, AKeptTupleThatAnotherComponentSettlesIsItsErrorAndFailsAsForgotten) {
    constexpr std::int64_t kCount = 20;
    for (const bool acks : {true, false}) {
        for (const bool same_stream : {true, false}) {
            SCOPED_TRACE(std::string(acks ? "ack" : "fail") +
                         (same_stream ? ", both listen to the same stream" : ""));
            TopologyBuilder each;
            const auto told = std::make_shared<Outcomes>();
            const auto box = std::make_shared<Box>();
            each.spout<Numbers>("numbers", kCount, told);
            each.spout<AnySpout>("clock", kN, until_settled(told, kCount));
            each.bolt<AnyBolt>("keeper", kNoStreams, keep_in(box)).shuffle("numbers");
            each.bolt<AnyBolt>("thief", kNoStreams, settle_from(box, acks))
                .tick(milliseconds(5))
                .shuffle(same_stream ? "numbers" : "clock");
            each.bolt_fn("clocked", {}, [](const Tuple&, BasicCollector&) {}).shuffle("clock");
            Running run(each, config());

            ASSERT_TRUE(run.finishes());

            EXPECT_EQ(told->failed(FailReason::kForgotten), kCount);
            EXPECT_EQ(told->acked(), 0);
            EXPECT_EQ(run.of("thief").errors, kCount);
            EXPECT_EQ(run.of("keeper").errors, 0);
            EXPECT_THAT(run.errors_of("thief"),
                        ::testing::Each(::testing::HasSubstr("\"keeper\"")));
        }
    }
}

// ---- Turns -------------------------------------------------------------------------------------

TEST_P(EngineCallbacks, ATupleOfAStreamThatABoltDoesNotSubscribeToIsItsErrorAndStaysAsItIs) {
    constexpr std::int64_t kCount = 20;
    const auto told = std::make_shared<Outcomes>();
    const auto box = std::make_shared<Box>();
    t.spout<Numbers>("numbers", kCount, told);
    t.spout<AnySpout>("clock", kN, until_settled(told, kCount));
    t.bolt<AnyBolt>("keeper", kNoStreams, keep_in(box)).shuffle("numbers");
    t.bolt<AnyBolt>("thief", kNoStreams,
                    BoltScript{.execute =
                                   [box](const Tuple& in, BoltCollector& out) {
                                       if (!in.is_tick()) return out.ack(in);
                                       const std::lock_guard lock(box->mutex);
                                       for (Kept& kept : box->kept) {
                                           out.ack(kept.tuple());
                                           out.fail(kept.tuple());
                                       }
                                       box->kept.clear();
                                   }})
        .tick(milliseconds(5))
        .shuffle("clock");
    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(told->failed(FailReason::kForgotten), kCount);
    EXPECT_EQ(run.of("thief").errors, 2 * kCount);
    EXPECT_THAT(run.errors_of("thief"), ::testing::Each(::testing::HasSubstr("\"numbers\"")));
}

TEST_P(EngineCallbacks, ManyAcksThatTakeTheirTimeLeaveTheirNeighboursTurns) {
    constexpr std::int64_t kCount = kSanitized ? 5'000 : 20'000;
    struct Turns {
        std::atomic<std::int64_t> executed{0};
        std::int64_t seen = 0;  // Number seen by the last ack.
        int in_turn = 0;        // Acks since that grew,
        int longest = 0;        // and the most of these.
    };
    const auto turns = std::make_shared<Turns>();
    const auto done = std::make_shared<std::atomic<bool>>(false);
    const auto told = outcomes;
    t.spout<AnySpout>("many", kN,
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
                                          told->ack(id);
                                          spin(microseconds(20));
                                          const std::int64_t executed = turns->executed.load();
                                          const bool grew =
                                              std::exchange(turns->seen, executed) != executed;
                                          turns->in_turn = grew ? 0 : turns->in_turn + 1;
                                          turns->longest = std::max(turns->longest, turns->in_turn);
                                          if (told->acked() == kCount) done->store(true);
                                      }});
    // Acks all of them in one call.
    t.bolt<AnyBolt>("keeps", kNoStreams,
                    BoltScript{.execute =
                                   [kept = std::make_shared<std::vector<Kept>>()](
                                       const Tuple& in, BoltCollector& out) {
                                       kept->push_back(out.keep(in));
                                       if (kept->size() < kCount) return;
                                       for (Kept& each : *kept) out.ack(std::move(each));
                                   }})
        .shuffle("many");
    t.spout<AnySpout>("others", kN, SpoutScript{.next = [done](SpoutCollector& out) {
                          if (done->load()) {
                              out.finished();
                              return Next::kIdle;
                          }
                          out.emit(1);
                          return Next::kEmitted;
                      }});
    t.bolt_fn("count", {}, [turns](const Tuple&, BasicCollector&) {
         turns->executed.fetch_add(1);
     }).shuffle("others");

    Running run(t, config());

    ASSERT_TRUE(run.finishes(kPatience * 4));
    EXPECT_EQ(outcomes->acked(), kCount);
    // On other loops the neighbour may have to wait for a core.
    if (GetParam().loops == 1 && !GetParam().dedicated) {
        EXPECT_LE(turns->longest, 300) << "as many as there are between two looks at the clock";
    }
}

// A spout whose loop nobody takes over: there is no thread for it.
TEST(SlowCallbacks, ATupleEmittedInsideOfASlowAckHasItsWholeTimeout) {
    constexpr MessageId kFirst = 4;
    constexpr MessageId kLater = 100;
    struct State {
        std::optional<SpoutCollector> out;
        std::map<MessageId, std::chrono::steady_clock::time_point> emitted;
        MessageId next = 0;
        std::atomic<int> failed{0};
        std::atomic<int> acked{0};
        std::chrono::steady_clock::duration soonest = std::chrono::hours(1);
    };
    auto s = std::make_shared<State>();
    TopologyBuilder t;
    t.spout<AnySpout>(
        "numbers", default_stream({{"n", Kind::kInt64}}),
        SpoutScript{.next =
                        [s](SpoutCollector& out) {
                            if (s->next >= kFirst) return Next::kIdle;
                            for (; s->next < kFirst; ++s->next)
                                out.emit_tracked(s->next, static_cast<std::int64_t>(s->next));
                            return Next::kEmitted;
                        },
                    .open = [s](const TaskContext&, SpoutCollector& out) { s->out.emplace(out); },
                    .ack =
                        [s](MessageId id) {
                            ++s->acked;
                            std::this_thread::sleep_for(std::chrono::milliseconds(900));
                            s->emitted[kLater + id] = std::chrono::steady_clock::now();
                            s->out->emit_tracked(kLater + id,
                                                 static_cast<std::int64_t>(kLater + id));
                        },
                    .fail =
                        [s](MessageId id, FailReason) {
                            s->soonest = std::min(
                                s->soonest, std::chrono::steady_clock::now() - s->emitted[id]);
                            ++s->failed;
                        }});
    auto kept = std::make_shared<std::vector<Kept>>();
    t.bolt<AnyBolt>("sink", Streams{},
                    BoltScript{.execute =
                                   [kept](const Tuple& in, BoltCollector& out) {
                                       if (in.int64(0) < std::int64_t{kLater}) return out.ack(in);
                                       kept->push_back(out.keep(in));  // Until it times out.
                                   }})
        .shuffle("numbers");

    Running run(t, config_of({2, false}, {{"topology.message.timeout.secs", "1"}}),
                give_no_more_threads);

    ASSERT_TRUE(eventually([&] { return s->failed == kFirst; }));
    run.stop();
    EXPECT_EQ(s->acked, kFirst) << "their acks came at once, and waited for those before";
    EXPECT_GE(s->soonest, std::chrono::seconds(1));
}

// There are no acks that would end the step: each call has the next one follow.
TEST(SlowCallbacks, AnAckThatEmitsTheNextTupleForEverNeedsNoMoreMemory) {
    constexpr std::uint64_t kTuples = kSanitized ? 300'000 : 3'000'000;
    auto collector = std::make_shared<std::optional<SpoutCollector>>();
    auto n = std::make_shared<std::atomic<std::uint64_t>>(0);
    TopologyBuilder t;
    t.spout<AnySpout>(
        "numbers", default_stream({{"n", Kind::kInt64}}),
        SpoutScript{.next =
                        [n](SpoutCollector& out) {
                            if (*n != 0) return Next::kIdle;
                            out.emit_tracked(++*n, std::int64_t{1});
                            return Next::kEmitted;
                        },
                    .open = [collector](const TaskContext&,
                                        SpoutCollector& out) { collector->emplace(out); },
                    .ack = [collector,
                            n](MessageId) { (*collector)->emit_tracked(++*n, std::int64_t{1}); }});
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("numbers");
    Running run(t, config_of({2, false}, {{"topology.acker.executors", "0"}}));
    ASSERT_TRUE(eventually([&] { return *n > kTuples / 10; }));
    const std::int64_t before = resident_bytes();

    ASSERT_TRUE(eventually([&] { return *n > kTuples; }));
    // A sanitizer's own memory is more than that.
    if (!kSanitized) {
        EXPECT_LT(resident_bytes() - before, 12'000'000);
    }
    run.stop();
}

}  // namespace
}  // namespace storm::testing

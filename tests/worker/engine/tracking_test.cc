// Goal:   a tracked tuple gets exactly one of ack() and fail(reason), the right one, and never an
//         ack before every bolt in its tree has acked, whatever bolts do with their inputs.
// Method: small topologies run in this process, on one, two and three loops and with a thread for
//         each executor. Spouts end once nothing is pending, so that a tree that is never settled
//         shows as a topology that does not end.

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/storm.h>

#include "tests/support/any_topology.h"
#include "worker/acker/ack_ledger.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class EngineTracking : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }

    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    TopologyBuilder t;
};

INSTANTIATE_TEST_SUITE_P(Threads, EngineTracking, all_threads(), name_of);

const Streams kNoStreams;
const Streams kN = default_stream({{"n", Kind::kInt64}});

void swallow(const Tuple&, BasicCollector&) {}

/// A spout of `count` tracked numbers that notes, when a number is acked, how often `executed` had
/// counted it by then.
SpoutScript checked_numbers(std::int64_t count, std::shared_ptr<Outcomes> outcomes,
                            std::shared_ptr<Tally> executed, int wanted,
                            std::shared_ptr<std::atomic<int>> early) {
    return {.next =
                [count, n = std::int64_t{0}](SpoutCollector& out) mutable {
                    if (n == count) {
                        out.finished();
                        return Next::kIdle;
                    }
                    out.emit_tracked(static_cast<MessageId>(n), n);
                    ++n;
                    return Next::kEmitted;
                },
            .ack =
                [outcomes, executed, wanted, early](MessageId id) {
                    if (executed->of(static_cast<std::int64_t>(id)) != wanted) early->fetch_add(1);
                    outcomes->ack(id);
                },
            .fail = [outcomes](MessageId id, FailReason reason) { outcomes->fail(id, reason); }};
}

TEST(Overflow, ACallThatEmitsMoreTrackedTuplesThanATaskCanHaveIsToldSo) {
    constexpr std::int64_t kBeyond = 1'000;
    constexpr std::int64_t kCount = worker::kLedgerCapacity + kBeyond;
    struct Counts {
        std::int64_t acked = 0;
        std::int64_t overflow = 0;
    };
    const auto counts = std::make_shared<Counts>();
    TopologyBuilder t;
    t.spout<AnySpout>("source", kN,
                      SpoutScript{.next =
                                      [done = false](SpoutCollector& out) mutable {
                                          if (std::exchange(done, true)) {
                                              out.finished();
                                              return Next::kIdle;
                                          }
                                          for (std::int64_t n = 0; n < kCount; ++n)
                                              out.emit_tracked(static_cast<MessageId>(n), n);
                                          return Next::kEmitted;
                                      },
                                  .ack = [counts](MessageId) { ++counts->acked; },
                                  .fail =
                                      [counts](MessageId, FailReason reason) {
                                          if (reason == FailReason::kOverflow) ++counts->overflow;
                                      }});
    t.bolt_fn("sink", {}, swallow).shuffle("source");

    Running run(t, config_of({2, false}));

    ASSERT_TRUE(run.finishes(std::chrono::minutes(1)));
    EXPECT_EQ(counts->acked, worker::kLedgerCapacity);
    EXPECT_EQ(counts->overflow, kBeyond);
    EXPECT_EQ(run.of("source").errors, 1);
    EXPECT_THAT(run.errors_of("source"), ::testing::Contains(HasSubstr("2097151")));
}

// ---- Trees -------------------------------------------------------------------------------------

TEST_P(EngineTracking, ADiamondJoinedAgainUnderOneRootIsAckedOnceAndNotBeforeItsEnd) {
    constexpr std::int64_t kCount = 2'000;
    const auto joined = std::make_shared<Tally>(kCount);
    const auto early = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("numbers", kN, checked_numbers(kCount, outcomes, joined, 1, early));
    const auto pass = [](const Tuple& in, BasicCollector& out) { out.emit(in.int64(0)); };
    t.bolt_fn("left", {{"n", Kind::kInt64}}, pass).parallelism(2).shuffle("numbers");
    t.bolt_fn("right", {{"n", Kind::kInt64}}, pass).parallelism(3).shuffle("numbers");
    // A Kept cannot be copied, and a script is: hence the pointer, made by each task for itself.
    auto& join = t.bolt<AnyBolt>(
        "join", kN,
        BoltScript{.execute = [halves = std::shared_ptr<std::map<std::int64_t, Kept>>()](
                                  const Tuple& in, BoltCollector& out) mutable {
            if (halves == nullptr) halves = std::make_shared<std::map<std::int64_t, Kept>>();
            Kept& half = (*halves)[in.int64(0)];
            if (!half) {
                half = out.keep(in);
                return;
            }
            const Tuple* const both[] = {&half.tuple(), &in};
            out.emit(both, in.int64(0));
            out.ack(std::move(half));
            out.ack(in);
        }});
    join.parallelism(2).fields("left", {"n"}).fields("right", {"n"});
    t.bolt_fn("sink", {}, [joined](const Tuple& in, BasicCollector&) { joined->add(in.int64(0)); })
        .parallelism(2)
        .shuffle("join");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(joined->all_are(1));
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_EQ(early->load(), 0);
}

TEST_P(EngineTracking, TheSameAnchorTwiceKeepsTheTreeBalanced) {
    constexpr std::int64_t kCount = 500;
    const auto executed = std::make_shared<Tally>(kCount);
    const auto early = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("numbers", kN, checked_numbers(kCount, outcomes, executed, 3, early));
    t.bolt<AnyBolt>("twice", kN,
                    BoltScript{.execute =
                                   [](const Tuple& in, BoltCollector& out) {
                                       const Tuple* const twice[] = {&in, &in};
                                       const Tuple* const thrice[] = {&in, &in, &in};
                                       out.emit(twice, in.int64(0));
                                       out.emit(thrice, in.int64(0));
                                       out.emit(in, in.int64(0));
                                       out.ack(in);
                                   }})
        .parallelism(2)
        .shuffle("numbers");
    t.bolt_fn("sink", {},
              [executed](const Tuple& in, BasicCollector&) { executed->add(in.int64(0)); })
        .parallelism(2)
        .shuffle("twice");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_EQ(early->load(), 0);
}

TEST_P(EngineTracking, FanOutOf65AndMoreIsAckedOnceAllCopiesAre) {
    constexpr std::int64_t kCount = 40;
    constexpr int kChildren = 65;
    constexpr int kListeners = 70;
    const auto executed = std::make_shared<Tally>(kCount);
    const auto early = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("numbers", kN,
                      checked_numbers(kCount, outcomes, executed, kChildren * kListeners, early));
    t.bolt_fn("fan", {{"n", Kind::kInt64}}, [](const Tuple& in, BasicCollector& out) {
         for (int i = 0; i < kChildren; ++i) out.emit(in.int64(0));
     }).shuffle("numbers");
    t.bolt_fn("sink", {},
              [executed](const Tuple& in, BasicCollector&) { executed->add(in.int64(0)); })
        .parallelism(7)
        .tasks(kListeners)
        .all("fan");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(executed->all_are(kChildren * kListeners));
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_EQ(early->load(), 0);
}

TEST_P(EngineTracking, AnAggregateOfManyRootsCompletesAllOfThemAndOnlyWithItsOwnTree) {
    constexpr std::int64_t kCount = 1'000;
    constexpr std::size_t kGroup = 100;
    const auto sums = std::make_shared<std::atomic<int>>(0);
    const auto acked_too_early = std::make_shared<std::atomic<int>>(0);
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
                    .ack =
                        [told, sums, acked_too_early](MessageId id) {
                            if (static_cast<std::size_t>(sums->load()) * kGroup <= told->acked())
                                acked_too_early->fetch_add(1);
                            told->ack(id);
                        },
                    .fail = [told](MessageId id, FailReason reason) { told->fail(id, reason); }});
    t.bolt<AnyBolt>("group", kN,
                    BoltScript{.execute =
                                   [kept = std::shared_ptr<std::vector<Kept>>()](
                                       const Tuple& in, BoltCollector& out) mutable {
                                       if (kept == nullptr)
                                           kept = std::make_shared<std::vector<Kept>>();
                                       kept->push_back(out.keep(in));
                                       if (kept->size() < kGroup) return;
                                       std::vector<const Tuple*> anchors;
                                       for (const Kept& one : *kept)
                                           anchors.push_back(&one.tuple());
                                       out.emit(anchors, std::int64_t{1});
                                       for (Kept& one : *kept) out.ack(std::move(one));
                                       kept->clear();
                                   }})
        .global("numbers");
    t.bolt_fn("sink", {}, [sums](const Tuple&, BasicCollector&) {
         sums->fetch_add(1);
     }).shuffle("group");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(sums->load(), kCount / static_cast<std::int64_t>(kGroup));
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(acked_too_early->load(), 0);
}

TEST_P(EngineTracking, AFailureFailsEveryRootOfAJoinedTuple) {
    constexpr std::int64_t kCount = 200;
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt<AnyBolt>("pair", kN,
                    BoltScript{.execute =
                                   [first = std::shared_ptr<Kept>()](const Tuple& in,
                                                                     BoltCollector& out) mutable {
                                       if (first == nullptr) {
                                           first = std::make_shared<Kept>(out.keep(in));
                                           return;
                                       }
                                       const Tuple* const both[] = {&first->tuple(), &in};
                                       out.emit(both, in.int64(0));
                                       out.ack(std::move(*first));
                                       out.ack(in);
                                       first.reset();
                                   }})
        .global("numbers");
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {
         throw FailedError("no");
     }).shuffle("pair");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kBoltFailed), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(EngineTracking, WhatIsEmittedUnanchoredIsNotWaitedFor) {
    constexpr std::int64_t kCount = 100;
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt<AnyBolt>("cut", kN,
                    BoltScript{.execute =
                                   [](const Tuple& in, BoltCollector& out) {
                                       out.emit_unanchored(in.int64(0));
                                       out.ack(in);
                                   }})
        .shuffle("numbers");
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {
         throw FailedError("no");
     }).shuffle("cut");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
}

TEST_P(EngineTracking, ATupleThatNobodyListensToIsAcked) {
    t.spout<Numbers>("numbers", 100, outcomes);
    t.bolt_fn("other", {}, swallow).shuffle("silent");
    t.spout<Numbers>("silent", 0, outcomes);

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 100);
    EXPECT_EQ(outcomes->settled(), 100);
}

TEST_P(EngineTracking, AnUntrackedTupleIsNeitherAckedNorFailed) {
    const auto told = outcomes;
    t.spout<AnySpout>(
        "numbers", kN,
        SpoutScript{.next =
                        [n = 0](SpoutCollector& out) mutable {
                            if (n == 100) {
                                out.finished();
                                return Next::kIdle;
                            }
                            out.emit(n++);
                            return Next::kEmitted;
                        },
                    .ack = [told](MessageId id) { told->ack(id); },
                    .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }});
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {
         throw FailedError("no");
     }).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->settled(), 0);
    EXPECT_EQ(run.of("sink").inputs.at(0).failed, 100);
}

// ---- What a bolt may do with an input ----------------------------------------------------------

/// The topology numbers → bolt, where the bolt treats every input in the same way.
struct OneBolt : EngineTracking {
    static constexpr std::int64_t kCount = 100;

    void with(std::function<void(const Tuple&, BoltCollector&)> execute) {
        t.spout<Numbers>("numbers", kCount, outcomes);
        t.bolt<AnyBolt>("bolt", kN, BoltScript{.execute = std::move(execute)})
            .parallelism(2)
            .shuffle("numbers");
    }
};

INSTANTIATE_TEST_SUITE_P(Threads, OneBolt, all_threads(), name_of);

TEST_P(OneBolt, AnInputThatIsForgottenFails) {
    with([](const Tuple&, BoltCollector&) {});

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kForgotten), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(OneBolt, ADoubleAckIsReportedAndHasNoEffect) {
    with([](const Tuple& in, BoltCollector& out) {
        out.ack(in);
        out.ack(in);
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_EQ(run.of("bolt").errors, kCount);
    EXPECT_THAT(run.errors_of("bolt").at(0), HasSubstr("twice"));
}

TEST_P(OneBolt, AnAckAfterFailHasNoEffect) {
    with([](const Tuple& in, BoltCollector& out) {
        out.fail(in);
        out.ack(in);
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kBoltFailed), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_EQ(run.of("bolt").errors, kCount);
}

TEST_P(OneBolt, AFailAfterAckHasNoEffect) {
    with([](const Tuple& in, BoltCollector& out) {
        out.ack(in);
        out.fail(in);
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(OneBolt, AnEmitAfterAckThrowsAndTheAckStands) {
    const auto thrown = std::make_shared<std::atomic<int>>(0);
    with([thrown](const Tuple& in, BoltCollector& out) {
        out.ack(in);
        try {
            out.emit(in, in.int64(0));
        } catch (const EmitError&) {
            thrown->fetch_add(1);
        }
        const Tuple* const anchors[] = {&in};
        try {
            out.emit(anchors, in.int64(0));
        } catch (const EmitError&) {
            thrown->fetch_add(1);
        }
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(thrown->load(), 2 * kCount);
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(OneBolt, AnEmitAnchoredToANullPointerThrows) {
    with([](const Tuple& in, BoltCollector& out) {
        const Tuple* const anchors[] = {&in, nullptr};
        EXPECT_THROW(out.emit(anchors, in.int64(0)), EmitError);
        out.ack(in);
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
}

TEST_P(OneBolt, AnEmitAnchoredToWhatWasKeptThrowsAndNamesTheWay) {
    const auto messages = std::make_shared<std::atomic<int>>(0);
    with([messages](const Tuple& in, BoltCollector& out) {
        Kept kept = out.keep(in);
        try {
            out.emit(in, in.int64(0));
        } catch (const EmitError& error) {
            if (std::string(error.what()).find("tuple()") != std::string::npos)
                messages->fetch_add(1);
        }
        out.emit(kept.tuple(), in.int64(0));
        out.ack(std::move(kept));
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(messages->load(), kCount);
    EXPECT_EQ(outcomes->acked(), kCount);
}

TEST_P(OneBolt, AnExceptionFailsTheInputAndTheTopologyLives) {
    with([](const Tuple& in, BoltCollector& out) {
        if (in.int64(0) % 4 == 0) throw std::runtime_error("boom");
        if (in.int64(0) % 4 == 1) throw 42;
        if (in.int64(0) % 4 == 2) throw FailedError("no");
        out.ack(in);
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kException), kCount / 2);
    EXPECT_EQ(outcomes->failed(FailReason::kBoltFailed), kCount / 4);
    EXPECT_EQ(outcomes->acked(), kCount / 4);
    EXPECT_EQ(run.of("bolt").errors, kCount / 2);
}

TEST_P(OneBolt, AnExceptionAfterTheAckIsReportedAndTheAckStands) {
    with([](const Tuple& in, BoltCollector& out) {
        out.ack(in);
        throw std::runtime_error("boom");
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_EQ(run.of("bolt").errors, kCount);
}

TEST_P(OneBolt, AReadOfAWrongFieldFailsTheInputAsException) {
    with([](const Tuple& in, BoltCollector& out) {
        out.emit(in, in.string("n").size());
        out.ack(in);
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kException), kCount);
}

TEST_P(EngineTracking, ABasicBoltIsAckedWhenItReturnsAndFailedWhenItThrows) {
    t.spout<Numbers>("numbers", 300, outcomes);
    t.bolt_fn("bolt", {}, [](const Tuple& in, BasicCollector&) {
         if (in.int64(0) % 3 == 0) throw FailedError("no");
         if (in.int64(0) % 3 == 1) throw std::logic_error("boom");
     }).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 100);
    EXPECT_EQ(outcomes->failed(FailReason::kBoltFailed), 100);
    EXPECT_EQ(outcomes->failed(FailReason::kException), 100);
    EXPECT_EQ(run.of("bolt").errors, 100) << "FailedError is not an error";
}

// ---- Keeping -----------------------------------------------------------------------------------

TEST_P(EngineTracking, AKeptTupleIsAckedLaterByPostFromAnotherThread) {
    constexpr std::int64_t kCount = 1'000;
    struct Later {
        std::mutex mutex;
        std::vector<std::function<void()>> calls;
    };
    const auto later = std::make_shared<Later>();
    const auto executed = std::make_shared<Tally>(kCount);
    const auto early = std::make_shared<std::atomic<int>>(0);
    class Keeper final : public Bolt {
    public:
        Keeper(std::shared_ptr<Later> calls, std::shared_ptr<Tally> tally)
            : calls_(std::move(calls)), tally_(std::move(tally)) {}
        void prepare(const TaskContext& context, BoltCollector& out) override {
            context_ = std::make_unique<TaskContext>(context);
            out_ = std::make_unique<BoltCollector>(out);
        }
        void execute(const Tuple& in, BoltCollector& out) override {
            auto kept = std::make_shared<Kept>(out.keep(in));
            const std::lock_guard lock(calls_->mutex);
            calls_->calls.push_back([this, kept, context = *context_] {
                context.post([this, kept] {
                    tally_->add(kept->tuple().int64(0));
                    out_->ack(std::move(*kept));
                });
            });
        }

    private:
        std::shared_ptr<Later> calls_;
        std::shared_ptr<Tally> tally_;
        std::unique_ptr<TaskContext> context_;
        std::unique_ptr<BoltCollector> out_;
    };
    t.spout<AnySpout>("numbers", kN, checked_numbers(kCount, outcomes, executed, 1, early));
    t.bolt<Keeper>("slow", later, executed).parallelism(3).shuffle("numbers");

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
    EXPECT_TRUE(executed->all_are(1));
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_EQ(early->load(), 0);
}

TEST_P(OneBolt, AKeptTupleThatIsDestroyedFailsAsForgotten) {
    with([](const Tuple& in, BoltCollector& out) { const Kept kept = out.keep(in); });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kForgotten), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(OneBolt, AKeptTupleThatIsDestroyedByAnotherThreadFailsAsForgotten) {
    struct Bin {
        std::mutex mutex;
        std::vector<Kept> kept;
    };
    const auto bin = std::make_shared<Bin>();
    with([bin](const Tuple& in, BoltCollector& out) {
        const std::lock_guard lock(bin->mutex);
        bin->kept.push_back(out.keep(in));
    });

    Running run(t, config());
    ASSERT_TRUE(eventually([&] {
        const std::lock_guard lock(bin->mutex);
        return bin->kept.size() == kCount;
    }));
    EXPECT_EQ(outcomes->settled(), 0);
    bin->kept.clear();

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kForgotten), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(OneBolt, AckOfAnEmptyKeptIsReportedAndHasNoEffect) {
    with([](const Tuple& in, BoltCollector& out) {
        Kept kept = out.keep(in);
        Kept moved = std::move(kept);
        out.ack(std::move(kept));  // NOLINT(bugprone-use-after-move): that is the mistake.
        out.ack(std::move(moved));
        out.fail(std::move(moved));  // NOLINT(bugprone-use-after-move)
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_EQ(run.of("bolt").errors, 2 * kCount);
}

TEST_P(OneBolt, TheOriginalOfAKeptTupleCanNoLongerBeAcked) {
    with([](const Tuple& in, BoltCollector& out) {
        Kept kept = out.keep(in);
        out.ack(in);
        out.fail(std::move(kept));
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kBoltFailed), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(EngineTracking, AKeptTupleThatAnotherTaskOfTheBoltAcksCountsForItsTree) {
    // Not how it is meant, but two tasks of one bolt can share memory; it must not break the
    // engine.
    constexpr std::int64_t kCount = 2'000;
    struct Box {
        std::mutex mutex;
        std::optional<Kept> kept;
    };
    const auto box = std::make_shared<Box>();
    t.spout<Numbers>("numbers", kCount, outcomes);
    t.bolt<AnyBolt>("bolt", kN,
                    BoltScript{.execute =
                                   [box](const Tuple& in, BoltCollector& out) {
                                       std::optional<Kept> other = out.keep(in);
                                       {
                                           const std::lock_guard lock(box->mutex);
                                           box->kept.swap(other);
                                       }
                                       if (other) out.ack(std::move(*other));
                                   }})
        .parallelism(4)
        .shuffle("numbers");

    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return outcomes->acked() == kCount - 1; }));
    {
        const std::lock_guard lock(box->mutex);
        box->kept.reset();
    }

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(OneBolt, WhatIsStillKeptWhenTheEngineStopsIsCountedAsPending) {
    struct Bin {
        std::mutex mutex;
        std::vector<Kept> kept;
    };
    const auto bin = std::make_shared<Bin>();
    with([bin](const Tuple& in, BoltCollector& out) {
        const std::lock_guard lock(bin->mutex);
        bin->kept.push_back(out.keep(in));
    });
    std::optional<Running> run(std::in_place, t, config());
    ASSERT_TRUE(eventually([&] {
        const std::lock_guard lock(bin->mutex);
        return bin->kept.size() == kCount;
    }));

    ASSERT_TRUE(run->stop());

    EXPECT_EQ(run->engine().pending(), kCount);
    run.reset();
    bin->kept.clear();  // Outlived their engine.
}

// ---- Timeouts ----------------------------------------------------------------------------------

/// These wait for seconds: two ways to spread executors must do.
struct EngineTimeouts : EngineTracking {};

INSTANTIATE_TEST_SUITE_P(Threads, EngineTimeouts,
                         ::testing::Values(Threads{2, false}, Threads{1, true}), name_of);

/// Emits one tracked number, and notes how long its outcome took.
struct Once {
    std::atomic<std::int64_t> settled_after_ms{-1};

    SpoutScript script(std::shared_ptr<Outcomes> outcomes) {
        const auto started = std::make_shared<std::chrono::steady_clock::time_point>();
        const auto note = [this, started] {
            settled_after_ms = std::chrono::duration_cast<milliseconds>(
                                   std::chrono::steady_clock::now() - *started)
                                   .count();
        };
        return {.next =
                    [started, emitted = false](SpoutCollector& out) mutable {
                        if (emitted) {
                            out.finished();
                        } else {
                            *started = std::chrono::steady_clock::now();
                            out.emit_tracked(7, std::int64_t{7});
                            emitted = true;
                        }
                        return emitted ? Next::kIdle : Next::kEmitted;
                    },
                .ack =
                    [outcomes, note](MessageId id) {
                        note();
                        outcomes->ack(id);
                    },
                .fail =
                    [outcomes, note](MessageId id, FailReason reason) {
                        note();
                        outcomes->fail(id, reason);
                    }};
    }
};

TEST_P(EngineTimeouts, ATupleTimesOutNotBeforeTAndSoonAfterAndItsLateAckIsIgnored) {
    Once once;
    const auto bin = std::make_shared<Kept>();
    const auto collector = std::make_shared<std::optional<BoltCollector>>();
    const auto context = std::make_shared<std::optional<TaskContext>>();
    t.spout<AnySpout>("once", kN, once.script(outcomes));
    t.bolt<AnyBolt>(
         "keeper", kNoStreams,
         BoltScript{.execute = [bin](const Tuple& in, BoltCollector& out) { *bin = out.keep(in); },
                    .prepare =
                        [collector, context](const TaskContext& c, BoltCollector& out) {
                            context->emplace(c);
                            collector->emplace(out);
                        }})
        .shuffle("once")
        .shuffle("other");
    // Keeps the bolt alive until the late ack has been made.
    const auto release = std::make_shared<std::atomic<bool>>(false);
    t.spout<AnySpout>("other", kN, SpoutScript{.next = [release](SpoutCollector& out) {
                          if (release->load()) out.finished();
                          return Next::kIdle;
                      }});

    Running run(t, config({{"topology.message.timeout.secs", "1"}}));

    ASSERT_TRUE(eventually([&] { return outcomes->settled() == 1; }));
    EXPECT_EQ(outcomes->failed(FailReason::kTimedOut), 1);
    EXPECT_GE(once.settled_after_ms.load(), 1'000);
    EXPECT_LE(once.settled_after_ms.load(), 1'125 + (kSanitized ? 500 : 60));
    (*context)->post([bin, collector] {
        if (*bin) (*collector)->ack(std::move(*bin));
    });
    release->store(true);
    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->settled(), 1);
}

/// Emits one tracked tuple at the end of a call that takes longer than its timeout.
SpoutScript late_emit(const std::shared_ptr<Outcomes>& outcomes) {
    return {.next =
                [emitted = false](SpoutCollector& out) mutable {
                    if (emitted) {
                        out.finished();
                        return Next::kIdle;
                    }
                    std::this_thread::sleep_for(milliseconds(1'300));
                    out.emit_tracked(1, 1);
                    emitted = true;
                    return Next::kEmitted;
                },
            .open = {},
            .ack = [outcomes](MessageId id) { outcomes->ack(id); },
            .fail = [outcomes](MessageId id, FailReason reason) { outcomes->fail(id, reason); }};
}

TEST_P(EngineTimeouts, ATupleHasItsWholeTimeoutHoweverLongItsSpoutTookToEmitIt) {
    // Kept for less than the timeout, so that the spout looks for overdue tuples meanwhile.
    t.spout<AnySpout>("late", kN, late_emit(outcomes)).blocking();
    t.spout<AnySpout>("later", kN, late_emit(outcomes));
    t.bolt<AnyBolt>("keeper", kNoStreams,
                    BoltScript{.execute =
                                   [kept = std::make_shared<std::vector<Kept>>()](
                                       const Tuple& in, BoltCollector& out) {
                                       if (!in.is_tick()) return kept->push_back(out.keep(in));
                                       for (Kept& one : *kept) out.ack(std::move(one));
                                       kept->clear();
                                   }})
        .tick(milliseconds(300))
        .shuffle("late")
        .shuffle("later");

    Running run(t, config({{"topology.message.timeout.secs", "1"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 2);
    EXPECT_EQ(outcomes->failed(FailReason::kTimedOut), 0);
}

TEST_P(EngineTimeouts, ATupleThatWasEmittedInOpenHasItsWholeTimeout) {
    const auto told = outcomes;
    t.spout<AnySpout>(
        "early", kN,
        SpoutScript{.next =
                        [](SpoutCollector& out) {
                            out.finished();
                            return Next::kIdle;
                        },
                    .open = [](const TaskContext&, SpoutCollector& out) { out.emit_tracked(1, 1); },
                    .ack = [told](MessageId id) { told->ack(id); },
                    .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }});
    t.bolt<AnyBolt>(
         "keeper", kNoStreams,
         BoltScript{.execute =
                        [kept = std::make_shared<Kept>()](const Tuple& in, BoltCollector& out) {
                            if (!in.is_tick()) {
                                *kept = out.keep(in);
                            } else if (*kept) {
                                out.ack(std::move(*kept));
                            }
                        }})
        .tick(milliseconds(500))
        .shuffle("early");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 1);
    EXPECT_EQ(outcomes->failed(), 0);
    EXPECT_LE(worker::quantile(run.of("early").complete_latency, 1.0), 10 * base::kMicrosPerSecond);
}

TEST_P(EngineTimeouts, ALateAckDoesNotSettleATupleThatCameAfterIt) {
    // One tuple in flight at a time: each takes the slot of the one before.
    constexpr int kCount = 2;
    const auto told = outcomes;
    const auto bin = std::make_shared<std::vector<Kept>>();
    t.spout<AnySpout>(
        "numbers", kN,
        SpoutScript{.next =
                        [n = 0](SpoutCollector& out) mutable {
                            if (n == kCount) {
                                out.finished();
                                return Next::kIdle;
                            }
                            out.emit_tracked(static_cast<MessageId>(n), n);
                            ++n;
                            return Next::kEmitted;
                        },
                    .ack = [told](MessageId id) { told->ack(id); },
                    .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }});
    t.bolt<AnyBolt>("keeper", kNoStreams,
                    BoltScript{.execute =
                                   [bin](const Tuple& in, BoltCollector& out) {
                                       for (Kept& late : *bin) out.ack(std::move(late));
                                       bin->clear();
                                       bin->push_back(out.keep(in));
                                   }})
        .shuffle("numbers");

    Running run(
        t, config({{"topology.message.timeout.secs", "1"}, {"topology.max.spout.pending", "1"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->failed(FailReason::kTimedOut), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
}

TEST_P(EngineTimeouts, AResetStartsTheTimeoutAgain) {
    Once once;
    const auto kept = std::make_shared<Kept>();
    const auto resets = std::make_shared<int>(0);
    t.spout<AnySpout>("once", kN, once.script(outcomes));
    t.bolt<AnyBolt>("keeper", kNoStreams,
                    BoltScript{.execute =
                                   [kept, resets](const Tuple& in, BoltCollector& out) {
                                       if (!in.is_tick()) {
                                           *kept = out.keep(in);
                                           return;
                                       }
                                       if (!*kept) return;
                                       out.reset_timeout(kept->tuple());
                                       if (++*resets == 6) out.ack(std::move(*kept));
                                   }})
        .tick(milliseconds(300))
        .shuffle("once");

    Running run(t, config({{"topology.message.timeout.secs", "1"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 1);
    EXPECT_GE(once.settled_after_ms.load(), 1'500);
}

TEST_P(EngineTimeouts, WithoutTimeoutsATupleMayTakeAsLongAsItTakes) {
    Once once;
    const auto kept = std::make_shared<Kept>();
    const auto ticks = std::make_shared<int>(0);
    t.spout<AnySpout>("once", kN, once.script(outcomes));
    t.bolt<AnyBolt>("keeper", kNoStreams,
                    BoltScript{.execute =
                                   [kept, ticks](const Tuple& in, BoltCollector& out) {
                                       if (!in.is_tick()) *kept = out.keep(in);
                                       if (in.is_tick() && ++*ticks == 4 && *kept)
                                           out.ack(std::move(*kept));
                                   }})
        .tick(milliseconds(400))
        .shuffle("once");

    Running run(t, config({{"topology.message.timeout.secs", "1"},
                           {"topology.enable.message.timeouts", "false"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 1);
}

// ---- The spout's side --------------------------------------------------------------------------

TEST_P(EngineTracking, WithoutAckersAckComesAtOnceButNotInsideAnEmit) {
    constexpr int kCount = 1'000;
    const auto told = outcomes;
    const auto inside = std::make_shared<bool>(false);
    const auto nested = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>(
        "numbers", kN,
        SpoutScript{.next =
                        [inside, n = 0](SpoutCollector& out) mutable {
                            if (n == kCount) {
                                out.finished();
                                return Next::kIdle;
                            }
                            *inside = true;
                            out.emit_tracked(static_cast<MessageId>(n), n);
                            *inside = false;
                            ++n;
                            return Next::kEmitted;
                        },
                    .ack =
                        [told, inside, nested](MessageId id) {
                            if (*inside) nested->fetch_add(1);
                            told->ack(id);
                        },
                    .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }});
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {
         throw FailedError("no");
     }).shuffle("numbers");

    Running run(t, config({{"topology.acker.executors", "0"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), kCount);
    EXPECT_EQ(outcomes->settled(), kCount);
    EXPECT_EQ(nested->load(), 0);
    EXPECT_EQ(run.of("sink").inputs.at(0).executed, kCount);
}

/// A spout whose ack() emits the next tuple, until there were `count`.
void chain(TopologyBuilder& t, std::shared_ptr<std::atomic<int>> count,
           std::shared_ptr<Outcomes> outcomes, std::shared_ptr<std::atomic<int>> nested) {
    struct State {
        std::optional<SpoutCollector> out;
        int next = 1;
        bool inside = false;
    };
    const auto state = std::make_shared<State>();
    t.spout<AnySpout>("chain", kN,
                      SpoutScript{.next =
                                      [state, count, begun = false](SpoutCollector& out) mutable {
                                          if (begun) {
                                              if (state->next >= count->load()) out.finished();
                                              return Next::kIdle;
                                          }
                                          begun = true;
                                          state->out.emplace(out);
                                          out.emit_tracked(0, 0);
                                          return Next::kEmitted;
                                      },
                                  .ack =
                                      [state, count, outcomes, nested](MessageId id) {
                                          if (state->inside) nested->fetch_add(1);
                                          outcomes->ack(id);
                                          if (state->next >= count->load()) return;
                                          const int n = state->next++;
                                          state->inside = true;
                                          state->out->emit_tracked(static_cast<MessageId>(n), n);
                                          state->inside = false;
                                      }});
}

TEST_P(EngineTracking, AckMayEmitTheNextTuple) {
    const auto nested = std::make_shared<std::atomic<int>>(0);
    chain(t, std::make_shared<std::atomic<int>>(500), outcomes, nested);
    t.bolt_fn("sink", {}, swallow).shuffle("chain");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 500);
    EXPECT_EQ(nested->load(), 0);
}

TEST_P(EngineTracking, AckMayEmitTheNextTupleForEverWithoutAckers) {
    const auto nested = std::make_shared<std::atomic<int>>(0);
    const auto count = std::make_shared<std::atomic<int>>(std::numeric_limits<int>::max());
    chain(t, count, outcomes, nested);
    t.bolt_fn("sink", {}, swallow).shuffle("chain");

    Running run(t, config({{"topology.acker.executors", "0"}}));

    EXPECT_TRUE(eventually([&] { return run.of("sink").inputs.at(0).executed > 1'000; },
                           milliseconds(3'000)))
        << "a spout that never leaves its callbacks holds its loop, and hands nothing over";
    count->store(0);
    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(nested->load(), 0);
}

TEST_P(EngineTracking, FailMayReplayUntilTheTupleIsAcked) {
    constexpr std::int64_t kCount = 300;
    struct State {
        std::vector<MessageId> again;
        std::int64_t next = 0;
        std::int64_t acked = 0;
    };
    const auto state = std::make_shared<State>();
    const auto acks = std::make_shared<Tally>(kCount);
    const auto executed = std::make_shared<Tally>(kCount);
    t.spout<AnySpout>(
        "numbers", kN,
        SpoutScript{.next =
                        [state](SpoutCollector& out) {
                            if (!state->again.empty()) {
                                const MessageId id = state->again.back();
                                state->again.pop_back();
                                out.emit_tracked(id, id);
                                return Next::kEmitted;
                            }
                            if (state->next < kCount) {
                                const std::int64_t n = state->next++;
                                out.emit_tracked(static_cast<MessageId>(n), n);
                                return Next::kEmitted;
                            }
                            if (state->acked == kCount) out.finished();
                            return Next::kIdle;
                        },
                    .ack =
                        [state, acks](MessageId id) {
                            ++state->acked;
                            acks->add(static_cast<std::int64_t>(id));
                        },
                    .fail = [state](MessageId id, FailReason) { state->again.push_back(id); }});
    t.bolt_fn("sink", {},
              [executed](const Tuple& in, BasicCollector&) {
                  executed->add(in.int64(0));
                  if (executed->of(in.int64(0)) < 4) throw FailedError("again");
              })
        .parallelism(2)
        .shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_TRUE(acks->all_are(1));
    EXPECT_TRUE(executed->all_are(4));
}

TEST_P(EngineTracking, AnExceptionInAckOrFailIsReportedAndTheSpoutGoesOn) {
    const auto told = outcomes;
    t.spout<AnySpout>("numbers", kN,
                      SpoutScript{.next =
                                      [n = 0](SpoutCollector& out) mutable {
                                          if (n == 100) {
                                              out.finished();
                                              return Next::kIdle;
                                          }
                                          if (n == 50) {
                                              ++n;
                                              throw std::runtime_error("next");
                                          }
                                          if (n == 51) {
                                              ++n;
                                              throw 42;
                                          }
                                          out.emit_tracked(static_cast<MessageId>(n), n);
                                          ++n;
                                          return Next::kEmitted;
                                      },
                                  .ack =
                                      [told](MessageId id) {
                                          told->ack(id);
                                          if (id % 4 == 0) throw std::runtime_error("ack");
                                          throw 42;
                                      },
                                  .fail =
                                      [told](MessageId id, FailReason why) {
                                          told->fail(id, why);
                                          if (id % 4 == 1) throw std::runtime_error("fail");
                                          throw 42;
                                      },
                                  .close = [] { throw std::runtime_error("close"); }});
    t.bolt_fn("sink", {}, [](const Tuple& in, BasicCollector&) {
         if (in.int64(0) % 2 == 1) throw FailedError("no");
     }).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->settled(), 98);
    EXPECT_EQ(outcomes->told_again(), 0);
    EXPECT_EQ(run.of("numbers").errors, 101);
}

TEST_P(EngineTracking, ATrackedEmitThatThrowsIsAsIfItHadNotBeen) {
    const auto told = outcomes;
    const auto thrown = std::make_shared<std::atomic<int>>(0);
    const Streams streams = {{"default", {{"n", Kind::kInt64}}, false},
                             {"direct", {{"n", Kind::kInt64}}, true}};
    const auto attempt = [thrown](auto&& emit) {
        try {
            emit();
        } catch (const EmitError&) {
            thrown->fetch_add(1);
        }
    };
    t.spout<AnySpout>(
        "numbers", streams,
        SpoutScript{.next =
                        [attempt, n = 0](SpoutCollector& out) mutable {
                            if (n == 10) {
                                out.finished();
                                return Next::kIdle;
                            }
                            const auto id = static_cast<MessageId>(n++);
                            attempt([&] { out.emit_tracked(id, "text"); });
                            attempt([&] { out.emit_tracked(id, 1, 2); });
                            attempt([&] { out.emit_tracked(id); });
                            attempt([&] { out.on("nowhere").emit_tracked(id, 1); });
                            attempt([&] { out.on("direct").emit_tracked(id, 1); });
                            attempt([&] { out.on("direct").to(99).emit_tracked(id, 1); });
                            attempt([&] { out.to(99).emit_tracked(id, 1); });
                            return Next::kEmitted;
                        },
                    .ack = [told](MessageId id) { told->ack(id); },
                    .fail = [told](MessageId id, FailReason why) { told->fail(id, why); }});
    t.bolt_fn("sink", {}, swallow).shuffle("numbers").direct("numbers", "direct");

    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    ASSERT_TRUE(run.finishes()) << run.engine().pending() << " are pending for ever";
    EXPECT_EQ(thrown->load(), 70);
    EXPECT_EQ(outcomes->settled(), 0);
    EXPECT_EQ(run.engine().pending(), 0);
}

TEST_P(EngineTracking, ACustomGroupingThatThrowsLeavesNothingPending) {
    class Broken final : public Grouping {
    public:
        void prepare(const TaskContext&, std::span<const TaskId>) override {}
        void choose(const Tuple& tuple, std::vector<TaskId>& chosen) override {
            if (tuple.int64(0) % 2 == 0) throw std::runtime_error("cannot choose");
            chosen.push_back(4'711);
        }
    };
    t.spout<Numbers>("numbers", 100, outcomes);
    t.bolt_fn("first", {}, swallow).shuffle("numbers");
    t.bolt_fn("sink", {}, swallow).custom("numbers", [] { return std::make_unique<Broken>(); });

    Running run(t, config({{"topology.enable.message.timeouts", "false"}}));

    ASSERT_TRUE(run.finishes()) << run.engine().pending() << " are pending for ever";
    EXPECT_EQ(run.of("numbers").errors, 100);
}

TEST_P(EngineTracking, AnEmitThatDoesNotFitItsStreamThrowsInABoltToo) {
    const auto thrown = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", 10, outcomes);
    t.bolt<AnyBolt>("bolt", kN,
                    BoltScript{.execute =
                                   [thrown](const Tuple& in, BoltCollector& out) {
                                       const auto attempt = [&](auto&& emit) {
                                           try {
                                               emit();
                                           } catch (const EmitError&) {
                                               thrown->fetch_add(1);
                                           }
                                       };
                                       attempt([&] { out.emit(in, "text"); });
                                       attempt([&] { out.emit(in, 1, 2); });
                                       attempt([&] { out.emit(in); });
                                       attempt([&] { out.on("nowhere").emit(in, 1); });
                                       attempt([&] { out.emit_unanchored(1.5); });
                                       out.emit(in, nullptr);
                                       out.ack(in);
                                   }})
        .shuffle("numbers");
    t.bolt_fn("sink", {}, [](const Tuple& in, BasicCollector&) {
         if (!in.is_nil(0)) throw std::logic_error("what was refused arrived");
     }).shuffle("bolt");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(thrown->load(), 50);
    EXPECT_EQ(outcomes->acked(), 10);
    EXPECT_EQ(run.of("sink").inputs.at(0).executed, 10);
}

TEST_P(EngineTracking, ATupleOverTheLimitThrowsAndOneAtTheLimitArrives) {
    const auto thrown = std::make_shared<std::atomic<int>>(0);
    const auto arrived = std::make_shared<std::atomic<std::size_t>>(0);
    const auto told = outcomes;
    const Streams texts = default_stream({{"text", Kind::kString}});
    t.spout<AnySpout>(
        "texts", texts,
        SpoutScript{.next =
                        [thrown, n = 0](SpoutCollector& out) mutable {
                            if (n == 4) {
                                out.finished();
                                return Next::kIdle;
                            }
                            const int now = n++;
                            const std::string text(now % 2 == 0 ? 4'096 : 3'900, 'x');
                            try {
                                out.emit_tracked(static_cast<MessageId>(now), text);
                            } catch (const EmitError& error) {
                                if (std::string(error.what()).find("topology.max.tuple.bytes") !=
                                    std::string::npos)
                                    thrown->fetch_add(1);
                            }
                            return Next::kEmitted;
                        },
                    .ack = [told](MessageId id) { told->ack(id); }});
    t.bolt_fn("sink", {}, [arrived](const Tuple& in, BasicCollector&) {
         arrived->fetch_add(in.string(0).size());
     }).shuffle("texts");

    Running run(t, config({{"topology.max.tuple.bytes", "4096"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(thrown->load(), 2);
    EXPECT_EQ(arrived->load(), 2 * 3'900);
    EXPECT_EQ(outcomes->acked(), 2);
}

// Trees are no part of what topology.max.tuple.bytes limits.
TEST_P(EngineTracking, AWindowOfAHundredThousandTuplesIsEmittedAsOne) {
    constexpr std::size_t kWindow = 100'000;
    const auto sum = std::make_shared<std::atomic<std::int64_t>>(0);
    auto window = std::make_shared<std::vector<Kept>>();
    t.spout<Numbers>("numbers", kWindow, outcomes);
    t.bolt<AnyBolt>("window", kN, BoltScript{[window](const Tuple& in, BoltCollector& out) {
                        window->push_back(out.keep(in));
                        if (window->size() < kWindow) return;
                        std::vector<const Tuple*> anchors;
                        for (const Kept& kept : *window) anchors.push_back(&kept.tuple());
                        out.emit(anchors, std::int64_t{kWindow});
                        for (Kept& kept : *window) out.ack(std::move(kept));
                        window->clear();
                    }})
        .shuffle("numbers");
    t.bolt_fn("sum", {}, [sum](const Tuple& in, BasicCollector&) {
         sum->fetch_add(in.int64(0));
     }).shuffle("window");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(sum->load(), std::int64_t{kWindow});
    EXPECT_EQ(outcomes->acked(), kWindow);
    EXPECT_EQ(run.of("window").errors, 0U);
}

TEST_P(EngineTracking, ATupleThatHasNoRoomForItsTreesIsRefusedWithAReason) {
    constexpr std::size_t kTrees = 1000;
    const auto why = std::make_shared<std::string>();
    auto window = std::make_shared<std::vector<Kept>>();
    t.spout<Numbers>("numbers", kTrees, outcomes);
    t.bolt<AnyBolt>("window", default_stream({{"text"}}),
                    BoltScript{[window, why](const Tuple& in, BoltCollector& out) {
                        window->push_back(out.keep(in));
                        if (window->size() < kTrees) return;
                        std::vector<const Tuple*> anchors;
                        for (const Kept& kept : *window) anchors.push_back(&kept.tuple());
                        try {
                            // NOLINTNEXTLINE(bugprone-string-constructor): that large.
                            out.emit(anchors, std::string(16'770'000, 'x'));
                        } catch (const EmitError& error) {
                            *why = error.what();
                        }
                        for (Kept& kept : *window) out.ack(std::move(kept));
                        window->clear();
                    }})
        .shuffle("numbers");
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("window");

    Running run(t, config({{"topology.max.tuple.bytes", "16777208"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_THAT(*why, HasSubstr("cannot join 1000 trees"));
    EXPECT_THAT(*why, HasSubstr("emit_unanchored()"));
    EXPECT_EQ(outcomes->acked(), kTrees);
}

}  // namespace
}  // namespace storm::testing

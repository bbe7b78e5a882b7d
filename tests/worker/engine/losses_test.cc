// Goal:   what does not go through is counted, with its component and its reason; and an exception
//         of any type, from any call, is an error of its component and of nobody else.
// Method: small topologies run in this process, on one, two and three loops and with a thread for
//         each executor.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/storm.h>

#include "tests/support/any_topology.h"

namespace storm::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

struct NoText : std::exception {
    const char* what() const noexcept override { return nullptr; }
};

class Losses : public ::testing::TestWithParam<Threads> {
protected:
    Config config(Settings settings = {}) const { return config_of(GetParam(), settings); }
    cluster::Losses of(const Running& run, std::string_view component) const {
        return run.of(component).losses();
    }

    const std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
    const Streams numbers = default_stream({{"n", Kind::kInt64}});
    TopologyBuilder t;
};

INSTANTIATE_TEST_SUITE_P(Threads, Losses, all_threads(), name_of);

void refuse(const Tuple&, BasicCollector&) {
    throw FailedError("not today");
}

// ---- Tracked -----------------------------------------------------------------------------------

TEST_P(Losses, ATupleThatFailedAndIsNotEmittedAgainIsLost) {
    t.spout<Numbers>("numbers", 10, outcomes);
    t.bolt_fn("work", {}, refuse).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(of(run, "numbers"), cluster::Losses{.unreplayed = 10});
    EXPECT_FALSE(of(run, "work").any());
}

/// Emits 0 … 9; what fails again, under the same id or under one that is 100 higher.
SpoutScript replaying(bool same_id, bool says_so) {
    struct Todo {
        std::vector<MessageId> ids = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
        std::size_t acked = 0;
        SpoutCollector* out = nullptr;
    };
    const auto todo = std::make_shared<Todo>();  // Owners: the script's functions.
    return {.next =
                [todo](SpoutCollector& out) {
                    if (todo->acked == 10) out.finished();
                    if (todo->ids.empty()) return Next::kIdle;
                    const MessageId id = todo->ids.back();
                    todo->ids.pop_back();
                    out.emit_tracked(id, static_cast<std::int64_t>(id));
                    return Next::kEmitted;
                },
            .open = [todo](const TaskContext&, SpoutCollector& out) { todo->out = &out; },
            .ack = [todo](MessageId) { ++todo->acked; },
            .fail =
                [=](MessageId id, FailReason) {
                    todo->ids.push_back(same_id ? id : id + 100);
                    if (says_so) todo->out->dealt_with(id);
                }};
}

/// Fails each number below 100 the first time that it sees it.
BasicScript fails_once() {
    return {.execute = [seen = std::vector<char>(100)](const Tuple& in, BasicCollector&) mutable {
        if (in.int64(0) >= 100 ||
            std::exchange(seen[static_cast<std::size_t>(in.int64(0))], 1) != 0)
            return;
        throw FailedError("the first time");
    }};
}

TEST_P(Losses, ATupleThatIsEmittedAgainAndAckedIsNotLost) {
    t.spout<AnySpout>("numbers", numbers, replaying(true, false));
    t.bolt<AnyBasicBolt>("work", Streams(), fails_once()).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(run.of("numbers").failed, 10U);
    EXPECT_FALSE(of(run, "numbers").any());
}

TEST_P(Losses, ATupleThatIsEmittedAgainUnderAnotherIdIsLostUnlessItsSpoutSaysSo) {
    t.spout<AnySpout>("silent", numbers, replaying(false, false));
    t.spout<AnySpout>("says_so", numbers, replaying(false, true));
    t.bolt<AnyBasicBolt>("a", Streams(), fails_once()).shuffle("silent");
    t.bolt<AnyBasicBolt>("b", Streams(), fails_once()).shuffle("says_so");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(of(run, "silent"), cluster::Losses{.unreplayed = 10});
    EXPECT_FALSE(of(run, "says_so").any());
}

// ---- Untracked ---------------------------------------------------------------------------------

TEST_P(Losses, AnUntrackedInputThatABoltFailsOrThrowsAtIsLost) {
    t.spout<Numbers>("numbers", 9);
    t.bolt_fn("throws", {}, [](const Tuple& in, BasicCollector&) {
         if (in.int64(0) % 3 == 0) throw std::runtime_error("three");
     }).shuffle("numbers");
    t.bolt<AnyBolt>("fails", Streams(), BoltScript{[](const Tuple& in, BoltCollector& out) {
                        in.int64(0) < 4 ? out.fail(in, "small") : out.ack(in);
                    }})
        .shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(of(run, "throws"), cluster::Losses{.inputs = 3});
    EXPECT_EQ(of(run, "fails"), cluster::Losses{.inputs = 4});
}

TEST_P(Losses, AnEmitThatThrowsInASpoutIsALossUnlessItIsCaught) {
    const auto emits = [](bool caught) {
        return SpoutScript{[caught, left = 5](SpoutCollector& out) mutable {
            if (left == 0) out.finished();
            if (left-- <= 0) return Next::kIdle;
            try {
                out.emit("no number");
            } catch (const EmitError&) {
                if (!caught) throw;
            }
            return Next::kEmitted;
        }};
    };
    t.spout<AnySpout>("careless", numbers, emits(false));
    t.spout<AnySpout>("careful", numbers, emits(true));
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {})
        .shuffle("careless")
        .shuffle("careful");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(of(run, "careless"), cluster::Losses{.emits = 5});
    EXPECT_FALSE(of(run, "careful").any());
}

TEST_P(Losses, AnEmitThatThrowsFailsItsTrackedInputAndIsNoLossBesides) {
    t.spout<Numbers>("numbers", 10, outcomes);
    t.bolt_fn("work", {{"n", Kind::kInt64}}, [](const Tuple&, BasicCollector& out) {
         out.emit("no number");
     }).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_FALSE(of(run, "work").any());
    EXPECT_EQ(of(run, "numbers"), cluster::Losses{.unreplayed = 10});
}

TEST_P(Losses, AnEmitThatThrowsAfterTheAckIsALoss) {
    t.spout<Numbers>("numbers", 10, outcomes);
    t.bolt<AnyBolt>("work", numbers, BoltScript{[](const Tuple& in, BoltCollector& out) {
                        out.ack(in);
                        out.emit_unanchored("no number");
                    }})
        .shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(of(run, "work"), cluster::Losses{.emits = 10});
}

// ---- Exceptions of any type --------------------------------------------------------------------

TEST_P(Losses, ExceptionsWithoutTextOrStdTypeAreErrorsOfTheirCall) {
    const auto next = [left = 3](SpoutCollector& out) mutable -> Next {
        if (left > 0) {
            out.emit_tracked(static_cast<MessageId>(left), std::int64_t{left});
            --left;
            throw NoText();
        }
        out.finished();
        return Next::kIdle;
    };
    SpoutScript spout{.next = next};
    spout.ack = [](MessageId id) {
        if (id == 1) throw 42;
        throw NoText();
    };
    spout.fail = [](MessageId, FailReason) { throw NoText(); };
    spout.activate = [] { throw NoText(); };
    spout.close = [] { throw 42; };
    t.spout<AnySpout>("numbers", numbers, spout);
    BasicScript bolt{.execute = [](const Tuple& in, BasicCollector&) {
        if (in.int64(0) == 3) throw NoText();
    }};
    bolt.cleanup = [] { throw NoText(); };
    t.bolt<AnyBasicBolt>("work", Streams(), bolt).shuffle("numbers");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    const std::vector<std::string> errors = run.errors_of("numbers");
    for (const char* const call : {"next_tuple: ", "ack: ", "fail: ", "activate: "}) {
        EXPECT_THAT(errors, Contains(::testing::AllOf(HasSubstr(call), HasSubstr("NoText"))));
    }
    EXPECT_THAT(errors, Contains("ack: an exception of type int"));
    EXPECT_THAT(errors, Contains("close: an exception of type int"));
    EXPECT_THAT(run.errors_of("work"),
                Contains(::testing::AllOf(
                    HasSubstr("execute of a tuple of stream \"default\" of \"numbers\": "),
                    HasSubstr("NoText"))));
    EXPECT_THAT(run.errors_of("work"), Contains(HasSubstr("cleanup: ")));
}

class Odd final : public Grouping {
public:
    explicit Odd(bool at_once) : at_once_(at_once) {}
    void prepare(const TaskContext&, std::span<const TaskId>) override {
        if (at_once_) throw NoText();
    }
    void choose(const Tuple&, std::vector<TaskId>&) override { throw 42; }

private:
    const bool at_once_;
};

TEST(CustomGrouping, ThatCannotBeMadeIsNamed) {
    const auto failure_of = [](const std::function<std::unique_ptr<Grouping>()>& make) {
        TopologyBuilder t;
        t.spout<Numbers>("numbers", 1);
        t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).custom("numbers", make);
        try {
            Running run(t, config_of({1, false}));
        } catch (const std::runtime_error& error) {
            return std::string(error.what());
        }
        return std::string("it was made");
    };

    EXPECT_EQ(failure_of([] { return nullptr; }),
              "the custom grouping of \"sink\" for \"numbers\" is null: its function returned no "
              "grouping");
    EXPECT_EQ(
        failure_of([]() -> std::unique_ptr<Grouping> { throw 42; }),
        "the custom grouping of \"sink\" for \"numbers\" cannot be made: an exception of type "
        "int");
    EXPECT_THAT(failure_of([] { return std::make_unique<Odd>(true); }), HasSubstr("NoText"));
}

TEST_P(Losses, ACustomGroupingThatThrowsLosesTheEmit) {
    t.spout<Numbers>("numbers", 3);
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).custom("numbers", [] {
        return std::make_unique<Odd>(false);
    });

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(of(run, "numbers").emits, 3U);
    EXPECT_THAT(run.errors_of("numbers"),
                Contains("next_tuple: custom grouping to component \"sink\" threw: an exception of "
                         "type int"));
}

// ---- Untracked inputs that nobody settles ------------------------------------------------------

TEST_P(Losses, AnUntrackedInputThatABoltForgetsIsLost) {
    t.spout<Numbers>("numbers", 100);
    t.bolt<AnyBolt>("forgets", Streams{},
                    BoltScript{.execute = [](const Tuple&, BoltCollector&) {}})
        .shuffle("numbers");
    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(of(run, "forgets").inputs, 100);
}

TEST_P(Losses, AnUntrackedInputThatIsKeptAndThenDestroyedIsLost) {
    t.spout<Numbers>("numbers", 100);
    t.bolt<AnyBolt>(
         "drops", Streams{},
         BoltScript{.execute = [](const Tuple& in,
                                  BoltCollector& out) { const Kept gone = out.keep(in); }})
        .shuffle("numbers");
    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(of(run, "drops").inputs, 100);
    EXPECT_EQ(run.of("drops").inputs[0].failed, 100);
}

TEST_P(Losses, AnUntrackedInputThatIsStillKeptAtTheEndIsLost) {
    auto kept = std::make_shared<std::vector<Kept>>();
    t.spout<Numbers>("numbers", 100);
    t.bolt<AnyBolt>(
         "keeps", Streams{},
         BoltScript{.execute = [kept](const Tuple& in,
                                      BoltCollector& out) { kept->push_back(out.keep(in)); }})
        .shuffle("numbers");
    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(of(run, "keeps").inputs, 100);
    EXPECT_EQ(run.of("keeps").inputs[0].failed, 100);
}

TEST_P(Losses, AnAckByTheTupleOfAKeptStands) {
    t.spout<Numbers>("numbers", 100, outcomes);
    t.bolt<AnyBolt>("keeps", numbers,
                    BoltScript{.execute =
                                   [](const Tuple& in, BoltCollector& out) {
                                       const Kept kept = out.keep(in);
                                       out.emit(kept.tuple(), in.int64(0));
                                       out.ack(kept.tuple());
                                   }})
        .shuffle("numbers");
    t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {}).shuffle("keeps");
    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(outcomes->acked(), 100);
    EXPECT_EQ(outcomes->failed(), 0);
}

TEST_P(Losses, AnEmitAtWhichACustomGroupingThrowsReachesNoneOfItsListeners) {
    struct Throws final : Grouping {
        void prepare(const TaskContext&, std::span<const TaskId>) override {}
        void choose(const Tuple&, std::vector<TaskId>&) override { throw std::runtime_error("no"); }
    };
    auto executed = std::make_shared<std::atomic<int>>(0);
    t.spout<Numbers>("numbers", 100);
    t.bolt_fn("one", {}, [executed](const Tuple&, BasicCollector&) {
         ++*executed;
     }).shuffle("numbers");
    t.bolt_fn("two", {}, [](const Tuple&, BasicCollector&) {}).custom("numbers", [] {
        return std::make_unique<Throws>();
    });
    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(*executed, 0);
    EXPECT_EQ(run.of("numbers").streams[0].emitted, 0);
    EXPECT_EQ(of(run, "numbers").emits, 100);
}

TEST_P(Losses, AFailedErrorThatFailsNothingIsReported) {
    constexpr std::size_t kFew = 10;
    t.spout<Numbers>("numbers", kFew, outcomes);
    t.bolt<AnyBolt>("late", Streams{},
                    BoltScript{.execute =
                                   [](const Tuple& in, BoltCollector& out) {
                                       out.ack(in);
                                       throw FailedError("after the ack");
                                   }})
        .shuffle("numbers");
    const auto ticks = std::make_shared<std::atomic<int>>(0);
    t.bolt<AnyBasicBolt>("ticks", Streams{},
                         BasicScript{.execute =
                                         [ticks](const Tuple& in, BasicCollector&) {
                                             if (!in.is_tick() || ticks->fetch_add(1) > 0) return;
                                             throw FailedError("in a tick");
                                         }})
        .tick(std::chrono::milliseconds(1))
        .shuffle("endless");
    t.spout<AnySpout>("endless", numbers,
                      SpoutScript{.next = [](SpoutCollector&) { return Next::kIdle; }});
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return outcomes->acked() == kFew && ticks->load() > 1; }));
    run.engine().drain();

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(run.of("late").errors, kFew);
    EXPECT_THAT(run.errors_of("late"),
                Contains(HasSubstr(
                    "execute of a tuple of stream \"default\" of \"numbers\": after the ack")));
    EXPECT_EQ(run.of("ticks").errors, 1);
    EXPECT_THAT(run.errors_of("ticks"), Contains(HasSubstr("execute of a tick: in a tick")));
}

TEST_P(Losses, ATickThatIsKeptAndDestroyedIsNoLostInput) {
    const auto ticks = std::make_shared<std::atomic<int>>(0);
    t.spout<AnySpout>("endless", numbers,
                      SpoutScript{.next = [](SpoutCollector&) { return Next::kIdle; }});
    t.bolt<AnyBolt>("keeps", Streams{},
                    BoltScript{.execute =
                                   [ticks](const Tuple& in, BoltCollector& out) {
                                       const Kept gone = out.keep(in);
                                       EXPECT_TRUE(gone.tuple().is_tick());
                                       ticks->fetch_add(1);
                                   }})
        .tick(std::chrono::milliseconds(1))
        .shuffle("endless");
    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return ticks->load() > 3; }));
    run.engine().drain();

    ASSERT_TRUE(run.finishes());
    EXPECT_FALSE(of(run, "keeps").any());
}

// ---- The last calls ----------------------------------------------------------------------------

/// Counts what it executes, and notes how much that was when it finishes.
struct Counted {
    std::atomic<std::int64_t> executed{0};
    std::atomic<std::int64_t> at_finish{0};
};
BasicScript counts(const std::shared_ptr<Counted>& counted) {
    return {
        .execute = [counted](const Tuple&, BasicCollector&) { counted->executed.fetch_add(1); },
        .finish = [counted](BasicCollector&) { counted->at_finish = counted->executed.load(); }};
}
constexpr std::int64_t kMany = 20'000;

TEST_P(Losses, WhatCloseEmitsIsExecutedBeforeItsListenersFinish) {
    const auto out = std::make_shared<std::optional<SpoutCollector>>();
    const auto counted = std::make_shared<Counted>();
    t.spout<AnySpout>("source", numbers,
                      SpoutScript{.next =
                                      [](SpoutCollector& collector) {
                                          collector.finished();
                                          return Next::kIdle;
                                      },
                                  .open = [out](const TaskContext&,
                                                SpoutCollector& given) { out->emplace(given); },
                                  .close =
                                      [out] {
                                          for (std::int64_t n = 0; n < kMany; ++n) (*out)->emit(n);
                                      }});
    t.bolt<AnyBasicBolt>("sink", Streams{}, counts(counted)).shuffle("source");

    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(counted->at_finish, kMany);
    EXPECT_FALSE(of(run, "source").any());
}

TEST_P(Losses, ATrackedEmitInCloseThrows) {
    for (const char* const ackers : {"1", "0"}) {
        TopologyBuilder each;
        const auto out = std::make_shared<std::optional<SpoutCollector>>();
        const auto counted = std::make_shared<Counted>();
        each.spout<AnySpout>(
            "source", numbers,
            SpoutScript{
                .next =
                    [](SpoutCollector& collector) {
                        collector.finished();
                        return Next::kIdle;
                    },
                .open = [out](const TaskContext&, SpoutCollector& given) { out->emplace(given); },
                .close = [out] { (*out)->emit_tracked(7, std::int64_t{7}); }});
        each.bolt<AnyBasicBolt>("sink", Streams{}, counts(counted)).shuffle("source");

        Running run(each, config({{"topology.acker.executors", ackers}}));

        ASSERT_TRUE(run.finishes());
        EXPECT_EQ(counted->executed, 0);
        EXPECT_EQ(run.of("source").pending, 0);
        EXPECT_EQ(of(run, "source"), cluster::Losses{.emits = 1});
        EXPECT_THAT(run.errors_of("source"), Contains(HasSubstr("emit_tracked() in close()")));
    }
}

/// Emits what is left in cleanup().
BoltScript emits_in_cleanup(std::int64_t count) {
    const auto out = std::make_shared<std::optional<BoltCollector>>();
    return {.execute = [](const Tuple& in, BoltCollector& collector) { collector.ack(in); },
            .prepare = [out](const TaskContext&, BoltCollector& given) { out->emplace(given); },
            .cleanup =
                [out, count] {
                    for (std::int64_t n = 0; n < count; ++n) (*out)->emit_unanchored(n);
                }};
}

TEST_P(Losses, WhatCleanupEmitsIsExecutedBeforeItsListenersFinish) {
    const auto counted = std::make_shared<Counted>();
    t.spout<Numbers>("numbers", 10);
    t.bolt<AnyBolt>("middle", numbers, emits_in_cleanup(kMany)).shuffle("numbers");
    t.bolt<AnyBasicBolt>("sink", Streams{}, counts(counted)).shuffle("middle");

    Running run(t, config({{"topology.worker.buffer.bytes", "1048576"}}));

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(counted->at_finish, kMany);
    EXPECT_FALSE(of(run, "middle").any());
}

TEST_P(Losses, WhatCleanupEmitsIntoItsOwnCycleIsDroppedAndCounted) {
    constexpr std::int64_t kFew = 50;
    const auto counted = std::make_shared<Counted>();
    t.spout<Numbers>("numbers", 10);
    t.bolt<AnyBolt>("left", numbers, emits_in_cleanup(kFew)).shuffle("numbers").shuffle("right");
    t.bolt<AnyBolt>("right", numbers, emits_in_cleanup(kFew)).shuffle("left");
    t.bolt<AnyBasicBolt>("sink", Streams{}, counts(counted)).shuffle("left").shuffle("right");

    Running run(t, config());

    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(counted->at_finish, 2 * kFew) << "what leaves the cycle arrives";
    EXPECT_EQ(of(run, "left"), cluster::Losses{.dropped = kFew});
    EXPECT_EQ(of(run, "right"), cluster::Losses{.dropped = kFew});
}

// ---- With another worker -----------------------------------------------------------------------

/// How a spout emits number `n`, and a bolt after an input.
using SpoutEmits = std::function<void(SpoutCollector&, std::int64_t n)>;
using BoltEmits = std::function<void(const Tuple&, BoltCollector&)>;

/// Links count by it what is lost with another worker: untracked rows only, and all of them.
TEST_P(Losses, LinksKnowWhichKindsOfRowsAnExecutorSends) {
    const auto executed = std::make_shared<std::atomic<int>>(0);
    const auto spout = [&](const std::string& id, SpoutEmits emits) {
        t.spout<AnySpout>(
            id, numbers,
            SpoutScript{.next = [emits, n = std::int64_t{0}](SpoutCollector& out) mutable {
                emits(out, n++);
                return Next::kEmitted;
            }});
    };
    const auto bolt = [&](const std::string& id, const std::string& source, BoltEmits emits) {
        t.bolt<AnyBolt>(id, numbers,
                        BoltScript{.execute =
                                       [emits](const Tuple& in, BoltCollector& out) {
                                           emits(in, out);
                                           out.ack(in);
                                       }})
            .shuffle(source);
        t.bolt_fn("behind-" + id, {}, [executed](const Tuple&, BasicCollector&) {
             ++*executed;
         }).shuffle(id);
    };
    const BoltEmits anchored = [](const Tuple& in, BoltCollector& out) {
        out.emit(in, in.int64(0));
    };
    const BoltEmits joined = [](const Tuple& in, BoltCollector& out) {
        const Tuple* const anchors[] = {&in};
        out.emit(anchors, in.int64(0));
    };
    spout("untracked", [](SpoutCollector& out, std::int64_t n) { out.emit(n); });
    spout("tracked", [](SpoutCollector& out, std::int64_t n) {
        out.emit_tracked(static_cast<MessageId>(n), n);
    });
    bolt("anchored", "tracked", anchored);
    bolt("joined", "tracked", joined);
    bolt("unanchored", "tracked",
         [](const Tuple& in, BoltCollector& out) { out.emit_unanchored(in.int64(0)); });
    bolt("anchored-to-untracked", "untracked", anchored);
    bolt("joined-to-untracked", "untracked", joined);

    Running run(t, config());
    ASSERT_TRUE(eventually([&] { return *executed > 1'000; }));
    const auto kinds = [&](std::string_view id) {
        const worker::RowKinds& sent = run.engine()
                                           .shared()
                                           .executor_of(run.engine().wiring().tasks_of(id).front())
                                           .sent_kinds;
        return std::pair(sent.has_untracked(), sent.has_other());
    };
    const std::pair only_untracked(true, false);
    const std::pair none_untracked(false, true);

    EXPECT_TRUE(eventually([&] { return kinds("untracked") == only_untracked; }));
    EXPECT_TRUE(eventually([&] { return kinds("tracked") == none_untracked; }));
    EXPECT_TRUE(eventually([&] { return kinds("anchored") == none_untracked; }));
    EXPECT_TRUE(eventually([&] { return kinds("joined") == none_untracked; }));
    EXPECT_TRUE(eventually([&] { return kinds("unanchored") == only_untracked; }));
    EXPECT_TRUE(eventually([&] { return kinds("anchored-to-untracked") == only_untracked; }));
    EXPECT_TRUE(eventually([&] { return kinds("joined-to-untracked") == only_untracked; }));

    run.engine().drain();
    ASSERT_TRUE(run.finishes());
    EXPECT_EQ(kinds("untracked"), std::pair(true, true)) << "it has told its end";
}

}  // namespace
}  // namespace storm::testing

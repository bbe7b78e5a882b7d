// The end of a topology over two workers: what has been sent arrives, however slow the way there
// is, and nobody waits for ever for a worker that is gone.
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/tcp_proxy.h"
#include "tests/worker/transport/several_workers.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;
using worker::Engine;

struct Rows {
    std::atomic<std::int64_t> emitted{0};
    std::atomic<std::int64_t> executed{0};
};

/// Where the spout is; the bolt is in the other one, behind a proxy.
class OrderlyEndTest : public ::testing::TestWithParam<std::uint32_t> {
protected:
    OrderlyEndTest() {
        TopologyBuilder t;
        t.spout<AnySpout>("rows", default_stream({{"text", Kind::kString}}),
                          SpoutScript{.next = [rows = rows](SpoutCollector& out) {
                              out.emit(std::string(1'000, 'x'));
                              ++rows->emitted;
                              return Next::kEmitted;
                          }});
        t.bolt_fn("sink", {}, [rows = rows](const Tuple&, BasicCollector&) {
             ++rows->executed;
         }).shuffle("rows");
        workers.emplace(
            t.build(), config_of({1, false}), 2,
            [spouts = source](const std::string& component, std::size_t) {
                return component == "rows" ? spouts : 1 - spouts;
            },
            [this](std::uint32_t worker, std::uint16_t port) {
                if (worker == 0) return port;
                if (!proxy) proxy.emplace(port, 1);
                return proxy->port();
            });
        EXPECT_TRUE(eventually([&] { return rows->executed > 1'000; }));
    }
    ~OrderlyEndTest() override { workers.reset(); }

    void drain(std::uint32_t worker, base::Micros patience = 3'600 * base::kMicrosPerSecond) {
        workers->engine(worker).drain();
        workers->transport(worker).drain(patience,
                                         [missing = missing](std::uint32_t) { ++*missing; });
    }
    bool finishes(std::uint32_t worker) {
        return eventually(
            [&] { return workers->engine(worker).wait(0) == Engine::State::kFinished; });
    }
    void hold_up(bool held) {
        proxy->pause(TcpProxy::kThere, held);
        proxy->pause(TcpProxy::kBack, held);
    }
    /// Both have been told to drain, and the source has.
    void expect_all_arrive() {
        EXPECT_TRUE(workers->leave(source)) << "all is taken";
        EXPECT_TRUE(finishes(sink));
        EXPECT_EQ(rows->executed, rows->emitted);
        EXPECT_TRUE(workers->leave(sink)) << "nobody is owed anything";
        EXPECT_EQ(*missing, 0);
    }

    const std::uint32_t source = GetParam();
    const std::uint32_t sink = 1 - source;
    const std::shared_ptr<Rows> rows = std::make_shared<Rows>();
    const std::shared_ptr<std::atomic<int>> missing = std::make_shared<std::atomic<int>>(0);
    std::optional<TcpProxy> proxy;
    std::optional<SeveralWorkers> workers;
};

TEST_P(OrderlyEndTest, AWorkerStaysUntilAllThatItSentIsTaken) {
    proxy->delay(milliseconds(20));
    drain(source);
    drain(sink);
    ASSERT_TRUE(finishes(source));

    expect_all_arrive();
}

TEST_P(OrderlyEndTest, EvenIfTheWayThereStandsStillForAWhile) {
    hold_up(true);
    drain(source);
    drain(sink);
    ASSERT_TRUE(finishes(source));
    proxy->cut();  // Everything on its way is lost with the connection.
    hold_up(false);

    expect_all_arrive();
}

TEST_P(OrderlyEndTest, ButNoLongerThanItsPatience) {
    hold_up(true);
    drain(source);
    ASSERT_TRUE(finishes(source));

    EXPECT_FALSE(workers->leave(source, 50 * base::kMicrosPerMilli));
}

TEST_P(OrderlyEndTest, AWorkerThatDrainsEndsWithoutASourceThatIsGoneForGood) {
    workers->kill(source);

    drain(sink, 100 * base::kMicrosPerMilli);

    EXPECT_TRUE(finishes(sink));
    EXPECT_EQ(*missing, 1);
}

TEST_P(OrderlyEndTest, OneThatHasLeftIsNotMissing) {
    drain(source);
    ASSERT_TRUE(finishes(source));
    EXPECT_TRUE(workers->leave(source));

    drain(sink, 100 * base::kMicrosPerMilli);

    EXPECT_TRUE(finishes(sink));
    std::this_thread::sleep_for(std::chrono::microseconds(2 * worker::kHeartbeatMicros));
    EXPECT_EQ(*missing, 0);
}

TEST_P(OrderlyEndTest, ASourceIsMissingBeforeItsListenersMayEnd) {
    workers->kill(source);
    workers->engine(sink).drain();
    std::atomic<bool> told{false};
    Engine::State then{};
    workers->transport(sink).drain(100 * base::kMicrosPerMilli, [&](std::uint32_t) {
        then = workers->engine(sink).wait(50 * base::kMicrosPerMilli);
        told = true;
    });

    ASSERT_TRUE(eventually([&] { return told.load(); }));
    EXPECT_EQ(then, Engine::State::kRunning) << "its end would say that all is well";
    EXPECT_TRUE(finishes(sink));
}

TEST_P(OrderlyEndTest, WhatWasSentToOneThatIsGoneForGoodIsMissing) {
    hold_up(true);
    drain(source, 100 * base::kMicrosPerMilli);
    ASSERT_TRUE(finishes(source));
    workers->kill(sink);
    proxy->cut();

    EXPECT_TRUE(workers->leave(source, 3 * base::kMicrosPerSecond)) << "nothing is waited for";
    EXPECT_EQ(*missing, 1);
}

INSTANTIATE_TEST_SUITE_P(Source, OrderlyEndTest, ::testing::Values(0U, 1U));

// ---- Others ------------------------------------------------------------------------------------

constexpr worker::LinkTimes kSoon{.heartbeat = 100 * base::kMicrosPerMilli,
                                  .silence = 1'000 * base::kMicrosPerMilli,
                                  .grace = 500 * base::kMicrosPerMilli};
const Streams kText = default_stream({{"text", Kind::kString}});

std::uint32_t sink_elsewhere(const std::string& component, std::size_t) {
    return component == "sink" ? 1U : 0U;
}
bool finishes(SeveralWorkers& workers, std::uint32_t worker) {
    return eventually([&] { return workers.engine(worker).wait(0) == Engine::State::kFinished; });
}
/// All that comes to worker 1 comes through the proxy, which is made then.
SeveralWorkers::RerouteFor before_worker_1(std::optional<TcpProxy>& proxy) {
    return [&proxy](std::uint32_t, std::uint32_t worker, std::uint16_t port) {
        if (worker == 0) return port;
        if (!proxy) proxy.emplace(port, 1);
        return proxy->port();
    };
}
bool is_linked(SeveralWorkers& workers) {
    return eventually([&] {
        const auto status = workers.transport(0).status();
        return !status.empty() && status.front().up;
    });
}

/// A worker drains whose listener, in the other one, is gone.
struct Listener {
    std::string name;
    bool tracked = false;
    bool fenced = false;  // Before it drains.
    bool bolt_between = true;
    int rows_a_call = 1;
    bool blocking = false;

    friend void PrintTo(const Listener& listener, std::ostream* out) { *out << listener.name; }
};

class GoneListenerTest : public ::testing::TestWithParam<Listener> {
protected:
    Topology topology() {
        TopologyBuilder t;
        const Listener& how = GetParam();
        auto spout = t.spout<AnySpout>(
            "rows", kText, SpoutScript{.next = [how, rows = rows](SpoutCollector& out) {
                for (int i = 0; i < how.rows_a_call; ++i) {
                    const auto id = static_cast<MessageId>(++rows->emitted);
                    if (how.tracked) {
                        out.emit_tracked(id, std::string(1'000, 'x'));
                    } else {
                        out.emit(std::string(1'000, 'x'));
                    }
                }
                return Next::kEmitted;
            }});
        if (how.blocking) spout.blocking();
        if (how.bolt_between) {
            t.bolt_fn("pass", {{"text", Kind::kString}}, [](const Tuple& in, BasicCollector& out) {
                 out.emit(in.string(0));
             }).shuffle("rows");
        }
        t.bolt_fn("sink", {}, [rows = rows](const Tuple&, BasicCollector&) {
             ++rows->executed;
         }).shuffle(how.bolt_between ? "pass" : "rows");
        return t.build();
    }

    const std::shared_ptr<Rows> rows = std::make_shared<Rows>();
};

TEST_P(GoneListenerTest, HoldsUpNobodyWhoDrains) {
    SeveralWorkers workers(
        topology(), config_of({1, false}), 2,
        [](const std::string& component, std::size_t) { return component == "sink" ? 1U : 0U; }, {},
        kSoon);
    ASSERT_TRUE(eventually([&] { return rows->executed > 1'000; }));
    workers.kill(1);
    if (GetParam().fenced) {
        ASSERT_TRUE(eventually([&] {
            const auto status = workers.transport(0).status();
            return !status.empty() && status.front().lost;
        }));
    }
    std::atomic<int> missing{0};

    workers.engine(0).drain();
    workers.transport(0).drain(100 * base::kMicrosPerMilli, [&](std::uint32_t) { ++missing; });

    EXPECT_TRUE(eventually([&] { return workers.engine(0).wait(0) == Engine::State::kFinished; }));
    EXPECT_TRUE(workers.leave(0)) << "nothing is owed to it";
    EXPECT_EQ(missing, 1);
}

INSTANTIATE_TEST_SUITE_P(
    OrderlyEnd, GoneListenerTest,
    ::testing::Values(Listener{.name = "Untracked"},
                      Listener{.name = "UntrackedAndFenced", .fenced = true},
                      Listener{.name = "TrackedAndFenced", .tracked = true, .fenced = true},
                      Listener{.name = "OfASpout", .fenced = true, .bolt_between = false},
                      Listener{.name = "OfABlockingSpoutWithManyRowsACall",
                               .fenced = true,
                               .bolt_between = false,
                               .rows_a_call = 2'000,
                               .blocking = true},
                      Listener{.name = "OfASpoutWithManyRowsACall",
                               .fenced = true,
                               .bolt_between = false,
                               .rows_a_call = 20'000}),
    [](const auto& each) { return each.param.name; });

TEST(OrderlyEnd, WhoIsGoneForGoodIsSoInALaterLifeAndNobodyWaitsForAnother) {
    TopologyBuilder t;
    t.spout<Numbers>("numbers", 0);
    t.bolt_fn("there", {{"n", Kind::kInt64}}, [](const Tuple&, BasicCollector&) {
     }).shuffle("numbers");
    t.bolt_fn("back", {}, [](const Tuple&, BasicCollector&) {}).shuffle("there");
    SeveralWorkers workers(
        t.build(), config_of({1, false}), 2,
        [](const std::string& component, std::size_t) { return component == "there" ? 1U : 0U; },
        {}, kSoon);
    const auto drain = [&workers](std::uint32_t worker, std::atomic<int>& missing) {
        workers.engine(worker).drain();
        workers.transport(worker).drain(100 * base::kMicrosPerMilli,
                                        [&missing](std::uint32_t) { ++missing; });
    };
    workers.kill(1);
    std::atomic<int> missing{0};
    drain(0, missing);
    ASSERT_TRUE(finishes(workers, 0));

    workers.restart(1);
    const auto sees = [&workers](std::uint32_t worker, std::uint64_t incarnation) {
        const auto status = workers.transport(worker).status();
        return !status.empty() && status.front().up && status.front().incarnation == incarnation;
    };
    ASSERT_TRUE(eventually([&] { return sees(0, 2) && sees(1, 1); }));
    std::atomic<int> missing_there{0};
    drain(1, missing_there);

    EXPECT_EQ(workers.engine(0).wait(300 * base::kMicrosPerMilli), Engine::State::kFinished);
    EXPECT_EQ(workers.engine(1).wait(0), Engine::State::kRunning);
    EXPECT_TRUE(workers.leave(0));
    EXPECT_TRUE(finishes(workers, 1));
    EXPECT_EQ(missing, 1);
    EXPECT_EQ(missing_there, 1);
}

TEST(OrderlyEnd, WhoHasLeftIsMissingIfItsRowsHaveNotCome) {
    const auto rows = std::make_shared<Rows>();
    const auto go = std::make_shared<std::atomic<bool>>(false);
    TopologyBuilder t;
    t.spout<AnySpout>("rows", kText, SpoutScript{.next = [rows, go](SpoutCollector& out) {
                          if (!*go) return Next::kIdle;
                          for (; rows->emitted < 7; ++rows->emitted)
                              out.emit(std::string(1'000'000, 'x'));
                          out.finished();
                          return Next::kIdle;
                      }});
    t.bolt_fn("sink", {}, [rows](const Tuple&, BasicCollector&) {
         ++rows->executed;
     }).shuffle("rows");
    std::optional<TcpProxy> proxy;
    SeveralWorkers workers(t.build(), config_of({1, false}), 2, sink_elsewhere,
                           before_worker_1(proxy), kSoon);
    ASSERT_TRUE(is_linked(workers));
    proxy->delay(milliseconds(100));  // 1.3 MB/s
    *go = true;
    ASSERT_TRUE(finishes(workers, 0));
    workers.transport(0).flush(10 * base::kMicrosPerSecond, [](bool) {});
    ASSERT_TRUE(eventually([&] { return rows->executed >= 3; }));
    proxy->cut();
    workers.kill(0);  // Its host dies, with some rows and the end of the stream.
    std::atomic<int> missing{0};

    workers.engine(1).drain();
    workers.transport(1).drain(300 * base::kMicrosPerMilli, [&](std::uint32_t) { ++missing; });

    EXPECT_TRUE(eventually([&] { return workers.engine(1).wait(0) == Engine::State::kFinished; }));
    EXPECT_LT(rows->executed, 7);
    EXPECT_EQ(missing, 1);
}

/// Seven untracked rows of worker 0, which then finishes; their bolt is in worker 1.
Topology seven_rows(const std::shared_ptr<Rows>& rows, const std::shared_ptr<std::atomic<bool>>& go,
                    milliseconds execute_takes = milliseconds(0)) {
    TopologyBuilder t;
    t.spout<AnySpout>("rows", kText, SpoutScript{.next = [rows, go](SpoutCollector& out) {
                          if (!*go) return Next::kIdle;
                          for (; rows->emitted < 7; ++rows->emitted)
                              out.emit(std::string(1'000, 'x'));
                          out.finished();
                          return Next::kIdle;
                      }});
    t.bolt_fn("sink", {}, [rows, execute_takes](const Tuple&, BasicCollector&) {
         std::this_thread::sleep_for(execute_takes);
         ++rows->executed;
     }).shuffle("rows");
    return t.build();
}
bool is_lost(SeveralWorkers& workers) {
    return eventually([&] {
        const auto status = workers.transport(0).status();
        return !status.empty() && status.front().lost;
    });
}

TEST(OrderlyEnd, NothingIsLostWithOneThatHasLeft) {
    const auto rows = std::make_shared<Rows>();
    SeveralWorkers workers(seven_rows(rows, std::make_shared<std::atomic<bool>>(true)),
                           config_of({1, false}), 2, sink_elsewhere, {}, kSoon);
    ASSERT_TRUE(finishes(workers, 0));
    ASSERT_TRUE(finishes(workers, 1));

    ASSERT_TRUE(workers.leave(1));
    ASSERT_TRUE(is_lost(workers));

    EXPECT_FALSE(workers.engine(0).snapshot()[0].losses().any());
}

TEST(OrderlyEnd, NothingIsLostWithOneThatHadExecutedAll) {
    const auto rows = std::make_shared<Rows>();
    SeveralWorkers workers(seven_rows(rows, std::make_shared<std::atomic<bool>>(true)),
                           config_of({1, false}), 2, sink_elsewhere, {}, kSoon);
    ASSERT_TRUE(finishes(workers, 0));
    ASSERT_TRUE(finishes(workers, 1));
    std::this_thread::sleep_for(milliseconds(300));  // It tells so, soon.

    workers.kill(1);
    ASSERT_TRUE(is_lost(workers));

    EXPECT_FALSE(workers.engine(0).snapshot()[0].losses().any());
}

TEST(OrderlyEnd, OneThatIsGoneForGoodIsMissingIfItHadTakenRowsAndNotExecutedThem) {
    const auto rows = std::make_shared<Rows>();
    SeveralWorkers workers(
        seven_rows(rows, std::make_shared<std::atomic<bool>>(true), milliseconds(1'000)),
        config_of({1, false}), 2, sink_elsewhere);
    ASSERT_TRUE(finishes(workers, 0));
    std::this_thread::sleep_for(milliseconds(500));  // Enough for a receipt.
    workers.kill(1);
    ASSERT_LT(rows->executed, 7);
    std::atomic<int> missing{0};

    workers.engine(0).drain();
    workers.transport(0).drain(100 * base::kMicrosPerMilli, [&](std::uint32_t) { ++missing; });

    EXPECT_TRUE(eventually([&] { return missing == 1; }));
}

TEST(OrderlyEnd, WhoseRowsWereLostWithAWorkerWaitsForItsSuccessor) {
    const auto rows = std::make_shared<Rows>();
    const auto go = std::make_shared<std::atomic<bool>>(false);
    std::optional<TcpProxy> proxy;
    SeveralWorkers workers(seven_rows(rows, go), config_of({1, false}), 2, sink_elsewhere,
                           before_worker_1(proxy), kSoon);
    ASSERT_TRUE(is_linked(workers));
    proxy->pause(TcpProxy::kThere, true);
    *go = true;
    ASSERT_TRUE(finishes(workers, 0));
    workers.kill(1);
    proxy->cut();
    ASSERT_TRUE(is_lost(workers));

    EXPECT_FALSE(workers.leave(0, 300 * base::kMicrosPerMilli));
    EXPECT_EQ(rows->executed, 0);
}

}  // namespace
}  // namespace storm::testing

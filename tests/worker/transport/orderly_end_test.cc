// The end of a topology over two workers: what has been sent arrives, however slow the way there
// is, and nobody waits for ever for a worker that is gone.
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

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
    proxy->cut();  // What was on its way is lost with the connection.
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

INSTANTIATE_TEST_SUITE_P(Source, OrderlyEndTest, ::testing::Values(0U, 1U));

}  // namespace
}  // namespace storm::testing

// Two workers with a bad network between them (tests/support/tcp_proxy.h): connections are cut, a
// direction is silent for a while, bytes change. A spout counts up for as long as the network is
// bad; the bolt in the other worker must see every number once and in order.
//
// STORM_LINK_ROUNDS makes it longer; the seed is STORM_LINK_SEED.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/tcp_proxy.h"
#include "tests/worker/transport/several_workers.h"
#include "worker/transport/limits.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* const set = std::getenv(name);
    return set == nullptr ? otherwise : std::stoull(set);
}

struct Count {
    std::atomic<bool> enough{false};
    std::atomic<std::int64_t> emitted{0};
    std::atomic<std::int64_t> seen{0};  // All numbers below have been.
    std::atomic<std::int64_t> wrong{0};
    std::atomic<std::int64_t> acked{0};
    std::atomic<std::int64_t> failed{0};
    std::atomic<std::int64_t> acked_too_early{0};
};

class BadNetworkTest : public ::testing::TestWithParam<bool> {
protected:
    BadNetworkTest() {
        TopologyBuilder t;
        const bool tracked = GetParam();
        const auto next = [count = count, tracked](SpoutCollector& out) {
            if (count->enough.load()) {
                if (count->acked.load() + count->failed.load() ==
                    (tracked ? count->emitted.load() : 0))
                    out.finished();
                return Next::kIdle;
            }
            const std::int64_t n = count->emitted.fetch_add(1);
            if (tracked) {
                out.emit_tracked(static_cast<MessageId>(n), n);
            } else {
                out.emit(n);
            }
            return Next::kEmitted;
        };
        t.spout<AnySpout>(
            "numbers", default_stream({{"n", Kind::kInt64}}),
            SpoutScript{.next = next,
                        .ack =
                            [count = count](MessageId id) {
                                ++count->acked;
                                if (static_cast<std::int64_t>(id) >= count->seen)
                                    ++count->acked_too_early;
                            },
                        .fail = [count = count](MessageId, FailReason) { ++count->failed; }});
        t.bolt_fn("sink", {}, [count = count](const Tuple& in, BasicCollector&) {
             if (in.int64(0) != count->seen) ++count->wrong;
             count->seen = in.int64(0) + 1;
         }).shuffle("numbers");
        workers.emplace(
            t.build(), config_of({1, false}, {{"topology.max.spout.pending", "20000"}}), 2,
            [](const std::string& component, std::size_t) { return component == "sink" ? 1U : 0U; },
            [this](std::uint32_t worker, std::uint16_t port) {
                if (worker == 0) return port;
                if (!proxy) proxy.emplace(port, seed);
                return proxy->port();
            });
        EXPECT_TRUE(goes_on());
    }
    ~BadNetworkTest() override { workers.reset(); }

    bool goes_on() const {
        const std::int64_t before = count->seen.load();
        return eventually([&] { return count->seen.load() > before + 100; });
    }
    void end() {
        proxy->delay(milliseconds(0));
        count->enough = true;
        ASSERT_TRUE(workers->all_finish()) << "seed " << seed;
        EXPECT_EQ(count->wrong, 0) << "seed " << seed;
        EXPECT_EQ(count->seen, count->emitted);
        EXPECT_EQ(count->failed, 0);
        EXPECT_EQ(count->acked_too_early, 0);
        EXPECT_EQ(count->acked, GetParam() ? count->emitted.load() : 0);
        EXPECT_FALSE(workers->is_superseded(0) || workers->is_superseded(1));
        for (const std::uint32_t worker : {0U, 1U}) {
            EXPECT_TRUE(eventually([&] {
                return workers->engine(worker).shared().pool.bytes_in_flight == 0;
            })) << workers->engine(worker).shared().pool.bytes_in_flight;
        }
    }

    const std::uint64_t seed = setting("STORM_LINK_SEED", 1);
    const std::uint64_t rounds = setting("STORM_LINK_ROUNDS", 1);
    const std::shared_ptr<Count> count = std::make_shared<Count>();
    std::optional<TcpProxy> proxy;
    std::optional<SeveralWorkers> workers;
};

TEST_P(BadNetworkTest, ConnectionsThatAreCutLoseAndDoubleNothing) {
    base::Random random(seed);
    proxy->delay(std::chrono::microseconds(500));
    for (std::uint64_t i = 0; i < 40 * rounds; ++i) {
        std::this_thread::sleep_for(milliseconds(random.below(60)));
        proxy->cut();
    }
    EXPECT_TRUE(goes_on());
    EXPECT_GT(proxy->connections(), 10);

    end();
}

TEST_P(BadNetworkTest, ADirectionThatIsSilentForAWhileIsResumed) {
    for (const auto direction : {TcpProxy::kThere, TcpProxy::kBack}) {
        const int before = proxy->connections();
        proxy->pause(direction, true);
        EXPECT_TRUE(eventually([&] { return proxy->connections() > before; }, milliseconds(6'000)))
            << "silence is noticed";
        // Nothing that cannot leave piles up.
        EXPECT_LT(workers->engine(0).shared().pool.bytes_in_flight.load(), 4 << 20);
        proxy->pause(direction, false);
        EXPECT_TRUE(goes_on());
    }

    end();
}

TEST_P(BadNetworkTest, BytesThatChangeOnTheWayAreFoundAndTheRestIsSentAgain) {
    base::Random random(seed);
    for (std::uint64_t i = 0; i < 25 * rounds; ++i) {
        const int before = proxy->flipped();
        proxy->flip(random.below(2) == 0 ? TcpProxy::kThere : TcpProxy::kBack);
        ASSERT_TRUE(eventually([&] { return proxy->flipped() > before; })) << "seed " << seed;
        ASSERT_TRUE(goes_on()) << "seed " << seed << ", flip " << i;
    }
    EXPECT_GT(proxy->connections(), 5);

    end();
}

INSTANTIATE_TEST_SUITE_P(Tracking, BadNetworkTest, ::testing::Values(false, true),
                         [](const auto& tracked) {
                             return tracked.param ? "Tracked" : "Untracked";
                         });

TEST(FencedByTime, AWorkerThatWasSilentForTooLongIsLostAndToldWhenItReturns) {
    const auto failed = std::make_shared<std::atomic<int>>(0);
    const auto executed = std::make_shared<std::atomic<int>>(0);
    const auto next = [n = 0](SpoutCollector& out) mutable {
        out.emit_tracked(static_cast<MessageId>(n), std::int64_t{n});
        ++n;
        return Next::kEmitted;
    };
    TopologyBuilder t;
    t.spout<AnySpout>("numbers", default_stream({{"n", Kind::kInt64}}),
                      SpoutScript{.next = next, .fail = [failed](MessageId, FailReason reason) {
                                      if (reason == FailReason::kWorkerLost) ++*failed;
                                  }});
    t.bolt_fn("sink", {}, [executed](const Tuple&, BasicCollector&) {
         ++*executed;
     }).shuffle("numbers");
    std::optional<TcpProxy> proxy;
    SeveralWorkers workers(
        t.build(), config_of({1, false}, {{"topology.max.spout.pending", "1000"}}), 2,
        [](const std::string& component, std::size_t) { return component == "sink" ? 1U : 0U; },
        [&proxy](std::uint32_t worker, std::uint16_t port) {
            if (worker == 0) return port;
            if (!proxy) proxy.emplace(port, 1);
            return proxy->port();
        });
    ASSERT_TRUE(eventually([&] { return executed->load() > 1'000; }));

    proxy->pause(TcpProxy::kThere, true);
    proxy->pause(TcpProxy::kBack, true);
    const auto patience = std::chrono::microseconds(worker::kSilenceMicros + worker::kGraceMicros) +
                          milliseconds(3'000);
    EXPECT_TRUE(eventually([&] { return failed->load() > 0; },
                           std::chrono::duration_cast<milliseconds>(patience)));
    proxy->pause(TcpProxy::kThere, false);
    proxy->pause(TcpProxy::kBack, false);

    EXPECT_TRUE(eventually([&] { return workers.is_superseded(1) || workers.is_superseded(0); }));
    EXPECT_TRUE(
        eventually([&] { return workers.engine(0).shared().pool.bytes_in_flight < 2 << 20; }));
}

}  // namespace
}  // namespace storm::testing

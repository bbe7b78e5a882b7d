// Four workers with real links through proxies. Links are held up for long and come back: exactly
// those end that were cut off, and the rest has gone on. The times of a link are shorter here.
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/tcp_proxy.h"
#include "tests/worker/transport/several_workers.h"

namespace storm::testing {
namespace {

constexpr std::uint32_t kWorkers = 4;
constexpr worker::LinkTimes kTimes{.heartbeat = 100 * base::kMicrosPerMilli,
                                   .silence = 600 * base::kMicrosPerMilli,
                                   .grace = 1'500 * base::kMicrosPerMilli};

class PartitionsTest : public ::testing::Test {
protected:
    PartitionsTest() {
        TopologyBuilder t;
        t.spout<AnySpout>("numbers", default_stream({{"n", Kind::kInt64}}),
                          SpoutScript{.next =
                                          [n = std::int64_t{0}](SpoutCollector& out) mutable {
                                              out.emit_tracked(static_cast<MessageId>(n), n);
                                              ++n;
                                              return Next::kEmitted;
                                          },
                                      .ack = [acked = acked](MessageId) { ++*acked; }})
            .parallelism(kWorkers);
        t.bolt_fn("sink", {},
                  [](const Tuple&, BasicCollector&) {
                      std::this_thread::sleep_for(std::chrono::microseconds(50));
                  })
            .parallelism(kWorkers)
            .shuffle("numbers");
        workers.emplace(
            t.build(), config_of({1, false}, {{"topology.max.spout.pending", "100"}}), kWorkers,
            [](const std::string&, std::size_t i) { return static_cast<std::uint32_t>(i); },
            [this](std::uint32_t dialer, std::uint32_t worker, std::uint16_t port) {
                if (dialer >= worker) return port;
                auto& proxy = proxies[{dialer, worker}];
                if (proxy == nullptr) proxy = std::make_unique<TcpProxy>(port, 1);
                return proxy->port();
            },
            kTimes);
        EXPECT_TRUE(eventually([&] { return all_up_but({}); }));
        EXPECT_TRUE(goes_on());
    }
    ~PartitionsTest() override { workers.reset(); }

    bool goes_on() const {
        const std::int64_t before = acked->load();
        return eventually([&] { return acked->load() > before + 500; });
    }
    void hold_up(std::uint32_t one, std::uint32_t other, bool held) {
        TcpProxy& proxy = *proxies.at(std::minmax(one, other));
        proxy.pause(TcpProxy::kThere, held);
        proxy.pause(TcpProxy::kBack, held);
    }
    void cut_off(std::uint32_t worker, bool off) {
        for (std::uint32_t other = 0; other < kWorkers; ++other)
            if (other != worker) hold_up(worker, other, off);
    }
    /// As `worker` sees it.
    worker::LinkStatus link(std::uint32_t worker, std::uint32_t other) {
        for (const worker::LinkStatus& status : workers->transport(worker).status())
            if (status.worker == other) return status;
        return {};
    }
    bool all_up_but(const std::set<std::uint32_t>& ended) {
        for (std::uint32_t one = 0; one < kWorkers; ++one)
            for (std::uint32_t other = 0; other < kWorkers; ++other)
                if (one != other && !ended.contains(one) && !ended.contains(other) &&
                    !link(one, other).up)
                    return false;
        return true;
    }
    void expect_only_this_one_ends(std::uint32_t ended) {
        EXPECT_TRUE(eventually([&] { return workers->is_superseded(ended); }));
        EXPECT_TRUE(eventually([&] { return all_up_but({ended}); }));
        std::this_thread::sleep_for(std::chrono::microseconds(kTimes.silence));
        for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
            EXPECT_EQ(workers->is_superseded(worker), worker == ended) << worker;
        }
        workers->restart(ended);
        EXPECT_TRUE(eventually([&] { return all_up_but({}); }));
        EXPECT_TRUE(goes_on());
    }

    const std::shared_ptr<std::atomic<std::int64_t>> acked =
        std::make_shared<std::atomic<std::int64_t>>(0);
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::unique_ptr<TcpProxy>> proxies;
    std::optional<SeveralWorkers> workers;
};

class CutOffTest : public PartitionsTest, public ::testing::WithParamInterface<std::uint32_t> {};

TEST_P(CutOffTest, AWorkerThatWasCutOffForLongEndsAndNobodyElse) {
    const std::uint32_t alone = GetParam();
    const auto given_up_by_all = [&] {
        for (std::uint32_t worker = 0; worker < kWorkers; ++worker)
            if (worker != alone && !link(worker, alone).lost) return false;
        return true;
    };

    cut_off(alone, true);
    EXPECT_TRUE(eventually(given_up_by_all));
    EXPECT_TRUE(goes_on());
    cut_off(alone, false);

    expect_only_this_one_ends(alone);
}

INSTANTIATE_TEST_SUITE_P(Worker, CutOffTest, ::testing::Values(0U, 1U, 3U));

TEST_F(PartitionsTest, OneThatWasCutOffForAMomentGoesOn) {
    cut_off(0, true);
    EXPECT_TRUE(eventually([&] { return !link(0, 1).up && !link(0, 2).up && !link(0, 3).up; }));
    cut_off(0, false);

    EXPECT_TRUE(eventually([&] { return all_up_but({}); }));
    EXPECT_TRUE(goes_on());
    for (std::uint32_t worker = 0; worker < kWorkers; ++worker)
        EXPECT_FALSE(workers->is_superseded(worker)) << worker;
}

TEST_F(PartitionsTest, OfOneBrokenLinkOneSideEnds) {
    for (const std::uint32_t one : {0U, 2U}) {
        const std::uint32_t other = one + 1;
        hold_up(one, other, true);
        EXPECT_TRUE(eventually([&] { return workers->is_superseded(other); }));
        hold_up(one, other, false);

        expect_only_this_one_ends(other);
    }
}

}  // namespace
}  // namespace storm::testing

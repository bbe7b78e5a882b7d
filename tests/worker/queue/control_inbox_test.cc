// Goal:   what waits in a control inbox stays small however long nobody takes it, and means the
//         same; what one thread pushes keeps its order.
// Method: batches of a bolt that says the same of its roots again and again; any batches against
//         sums; several threads that push while one takes.

#include "worker/queue/control_inbox.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"

namespace storm::worker {
namespace {

using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::SizeIs;

constexpr Root kRoots = 1'000;
constexpr auto kReset = FailRecord::Kind::kReset;
constexpr auto kHeld = FailRecord::Kind::kHeld;

std::unique_ptr<ControlBatch> all_of(ControlInbox& inbox) {
    auto all = std::make_unique<ControlBatch>();
    inbox.take_all([&](ControlBatch* taken) {
        const std::unique_ptr<ControlBatch> batch(taken);
        all->acks.insert(all->acks.end(), batch->acks.begin(), batch->acks.end());
        all->fails.insert(all->fails.end(), batch->fails.begin(), batch->fails.end());
        all->resumed.insert(all->resumed.end(), batch->resumed.begin(), batch->resumed.end());
        all->peer_events.insert(all->peer_events.end(), batch->peer_events.begin(),
                                batch->peer_events.end());
    });
    return all;
}

struct ControlInboxTest : ::testing::Test {
    ControlInbox inbox;

    void push(auto&& fill) {
        auto* const batch = new ControlBatch;  // NOLINT: the inbox's taker owns it.
        fill(*batch);
        inbox.push(batch);
    }
    void push_resets() {
        push([](ControlBatch& batch) {
            for (Root root = 0; root < kRoots; ++root) batch.fails.push_back({root, {}, kReset, 0});
        });
    }
};

TEST_F(ControlInboxTest, WhatIsPushedIsTakenOnce) {
    EXPECT_TRUE(inbox.empty());
    push([](ControlBatch& batch) { batch.acks.push_back({5, 7}); });
    push([](ControlBatch& batch) { batch.acks.push_back({5, 9}); });
    EXPECT_FALSE(inbox.empty());

    EXPECT_THAT(all_of(inbox)->acks, SizeIs(2)) << "little is left as it is";
    EXPECT_TRUE(inbox.empty());
    EXPECT_THAT(all_of(inbox)->acks, IsEmpty());
}

TEST_F(ControlInboxTest, ResetsThatNobodyTakesAreMergedByRoot) {
    for (int tick = 0; tick < 2'000; ++tick) push_resets();

    EXPECT_FALSE(inbox.empty());
    EXPECT_THAT(all_of(inbox)->fails, SizeIs(Lt(2 * kAckMergeMin)));
    EXPECT_TRUE(inbox.empty());
}

TEST_F(ControlInboxTest, WhatWasMergedAtOnceIsThereToBeTaken) {
    push([](ControlBatch& batch) {
        for (Root root = 0; root < kAckMergeMin; ++root)
            batch.fails.push_back({root % kRoots, {}, kReset, 0});
    });

    EXPECT_FALSE(inbox.empty());
    EXPECT_THAT(all_of(inbox)->fails, SizeIs(kRoots));
    EXPECT_TRUE(inbox.empty());
}

TEST_F(ControlInboxTest, AcksAndWakeUpsThatNobodyTakesAreMergedToo) {
    auto* const executor = reinterpret_cast<Executor*>(64);
    for (int i = 0; i < 200'000; ++i) {
        push([&](ControlBatch& batch) {
            batch.acks.push_back({static_cast<Root>(i % 10), 1});
            batch.resumed.push_back(executor);
        });
    }

    const auto all = all_of(inbox);
    EXPECT_THAT(all->acks, SizeIs(Lt(kAckMergeMin)));
    EXPECT_THAT(all->resumed, SizeIs(Lt(kAckMergeMin)));
}

TEST_F(ControlInboxTest, AfterAPileHasBeenTakenTheNextOneIsMergedAsSoon) {
    // One that merging leaves large, so that the next look at it would have come late.
    push([](ControlBatch& batch) {
        for (Root root = 0; root < 4 * kAckMergeMin; ++root)
            batch.fails.push_back({root, {}, kReset, 0});
    });
    EXPECT_THAT(all_of(inbox)->fails, SizeIs(4 * kAckMergeMin));

    for (int round = 0; round < 3; ++round) {
        for (int tick = 0; tick < 500; ++tick) push_resets();
        EXPECT_THAT(all_of(inbox)->fails, SizeIs(Lt(2 * kAckMergeMin))) << round;
    }
}

TEST_F(ControlInboxTest, NewsOfWorkersKeepTheirOrder) {
    std::vector<std::uint32_t> wanted;
    for (std::uint32_t i = 0; i < 300; ++i) {
        push_resets();
        push([i](ControlBatch& batch) {
            batch.peer_events.push_back({PeerEvent::Kind::kLost, i, nullptr});
        });
        wanted.push_back(i);
    }

    const auto all = all_of(inbox);
    std::vector<std::uint32_t> got;
    for (const PeerEvent& event : all->peer_events) got.push_back(event.worker);
    EXPECT_EQ(got, wanted);
}

RC_GTEST_PROP(ControlInboxProperty, MergedItMeansTheSame, (std::uint64_t seed)) {
    base::Random random(seed);
    ControlInbox inbox;
    std::map<Root, EdgeXor> edges;
    std::map<Root, std::int32_t> held;
    for (int i = 0; i < 300; ++i) {
        auto* const batch = new ControlBatch;  // NOLINT: the inbox's taker owns it.
        for (int k = 0; k < 400; ++k) {
            const Root root = random.below(50);
            const EdgeXor edge = random.next();
            batch->acks.push_back({root, edge});
            edges[root] ^= edge;
            const std::int32_t more = random.below(2) == 0 ? 1 : -1;
            batch->fails.push_back({root, {}, kHeld, more});
            held[root] += more;
        }
        inbox.push(batch);
    }
    const auto all = all_of(inbox);
    for (const AckRecord& ack : all->acks) edges[ack.root] ^= ack.edges;
    for (const FailRecord& fail : all->fails) held[fail.root] -= fail.held;
    for (const auto& [root, left] : edges) RC_ASSERT(left == 0U);
    for (const auto& [root, left] : held) RC_ASSERT(left == 0);
}

// Each thread keeps tuples of its own root and lets go of them; in each prefix of what is taken it
// has let go of no more than it has kept.
TEST_F(ControlInboxTest, WhatOneThreadPushesKeepsItsOrderWhoeverMergesMeanwhile) {
    constexpr std::uint64_t kThreads = 3;
    constexpr int kTimes = 60;
    std::atomic<std::uint64_t> done{0};
    std::vector<std::thread> threads;
    for (Root root = 0; root < kThreads; ++root) {
        threads.emplace_back([&, root] {
            for (int i = 0; i < kTimes; ++i) {
                push([root](ControlBatch& batch) { batch.fails.push_back({root, {}, kHeld, 1}); });
                push_resets();
                push([root](ControlBatch& batch) { batch.fails.push_back({root, {}, kHeld, -1}); });
            }
            done.fetch_add(1);
        });
    }
    std::map<Root, std::int64_t> held;
    const auto look = [&] {
        const auto all = all_of(inbox);
        for (const FailRecord& record : all->fails) {
            held[record.root] += record.held;
            EXPECT_GE(held[record.root], 0);
        }
    };
    while (done.load() < kThreads) {
        look();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    look();
    for (std::thread& thread : threads) thread.join();
    look();
    for (const auto& [root, left] : held) EXPECT_EQ(left, 0) << root;
    EXPECT_TRUE(inbox.empty());
}

}  // namespace
}  // namespace storm::worker

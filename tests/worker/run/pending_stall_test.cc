// A topology that stands still at topology.max.spout.pending is told of once. Method: snapshots and
// times by hand.

#include "worker/run/pending_stall.h"

#include <gtest/gtest.h>

namespace storm::worker {
namespace {

constexpr base::Micros kSecond = base::kMicrosPerSecond;

Snapshot stuck(std::uint64_t pending, std::uint64_t kept, std::uint64_t acked = 7) {
    ComponentSnapshot spout, bolt;
    spout.id = "lines";
    spout.is_spout = true;
    spout.tasks = 1;
    spout.pending = pending;
    spout.pending_max = 5;
    spout.acked = acked;
    bolt.id = "batch";
    bolt.kept = kept;
    return {spout, bolt};
}

TEST(PendingStall, IsToldOnceAfterAWhile) {
    PendingStall stall;
    EXPECT_FALSE(stall.look(stuck(5, 5), 1 * kSecond));
    EXPECT_FALSE(stall.look(stuck(5, 5), 5 * kSecond));

    EXPECT_EQ(stall.look(stuck(5, 5), 6 * kSecond),
              "nothing was completed for 5 s: \"lines\" has 5 tuples pending, as many as "
              "topology.max.spout.pending lets it, and \"batch\" keeps 5; raise that limit above "
              "what bolts collect before they ack");
    EXPECT_FALSE(stall.look(stuck(5, 5), 60 * kSecond));
}

TEST(PendingStall, ALimitAtItsHighestIsNotToBeRaised) {
    PendingStall stall;
    Snapshot snapshot = stuck(1'048'576, 5);
    snapshot[0].pending_max = 1'048'576;
    EXPECT_FALSE(stall.look(snapshot, 1 * kSecond));
    EXPECT_EQ(
        stall.look(snapshot, 6 * kSecond),
        "nothing was completed for 5 s: \"lines\" has 1,048,576 tuples pending, as many as "
        "topology.max.spout.pending lets it, and \"batch\" keeps 5; bolts have to ack sooner: "
        "that limit is at its highest");
}

TEST(PendingStall, WhatIsKeptAtTheEndIsToldOfEachTimeItCameAgain) {
    PendingStall stall;
    Snapshot snapshot = stuck(4, 4);
    snapshot[1].kept_at_end = 3;
    EXPECT_FALSE(stall.look(snapshot, 1 * kSecond));
    EXPECT_FALSE(stall.look(snapshot, 5 * kSecond));

    EXPECT_EQ(stall.look(snapshot, 7 * kSecond),
              "nothing was completed for 6 s: \"batch\" keeps 3 though no more inputs come; ack or "
              "fail them in inputs_ended(), or they time out and come again");
    EXPECT_FALSE(stall.look(snapshot, 30 * kSecond));

    snapshot[0].failed += 4;
    EXPECT_FALSE(stall.look(snapshot, 31 * kSecond));
    EXPECT_TRUE(stall.look(snapshot, 36 * kSecond));
}

TEST(PendingStall, WhatOnlyFailsIsToldOfOnceWhileBoltsKeep) {
    PendingStall stall;
    Snapshot snapshot = stuck(4, 4);
    EXPECT_FALSE(stall.look(snapshot, 1 * kSecond));
    EXPECT_FALSE(stall.look(snapshot, 29 * kSecond)) << "a bolt may keep as long as it likes";
    snapshot[0].failed = 4;
    EXPECT_FALSE(stall.look(snapshot, 30 * kSecond));

    EXPECT_EQ(stall.look(snapshot, 35 * kSecond),
              "4 tuples failed since the last was acked, and \"batch\" keeps 4; bolts have to ack "
              "or fail what they keep before it times out");
    snapshot[0].failed = 8;
    EXPECT_FALSE(stall.look(snapshot, 60 * kSecond));

    snapshot[0].acked += 1;
    EXPECT_FALSE(stall.look(snapshot, 61 * kSecond));
    EXPECT_FALSE(stall.look(snapshot, 99 * kSecond)) << "nothing has failed since that ack";
}

TEST(PendingStall, IsNoneWhileSomethingCompletes) {
    PendingStall stall;
    for (int i = 1; i < 30; ++i)
        EXPECT_FALSE(stall.look(stuck(5, 5, static_cast<std::uint64_t>(i)), i * kSecond));
}

TEST(PendingStall, IsNoneBelowTheLimitOrWhenNobodyKeeps) {
    PendingStall below, nobody;
    for (int i = 1; i < 30; ++i) {
        EXPECT_FALSE(below.look(stuck(4, 4), i * kSecond));
        EXPECT_FALSE(nobody.look(stuck(5, 0), i * kSecond));
    }
}

}  // namespace
}  // namespace storm::worker

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

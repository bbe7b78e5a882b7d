// Goal:   a cycle refuses what would take it over its limit, and tells exactly when it falls below
//         its high water and when it is empty.
// Method: by hand, and any sequence against a plain sum.

#include "worker/queue/cycle.h"

#include <cstdint>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"

namespace storm::worker {
namespace {

constexpr std::int64_t kLimit = 1'000;

TEST(Cycle, HoldsUpToItsLimitAndRefusesTheRest) {
    Cycle cycle(kLimit);

    EXPECT_TRUE(cycle.try_add(600));
    EXPECT_FALSE(cycle.try_add(401));
    EXPECT_TRUE(cycle.try_add(400));
    EXPECT_FALSE(cycle.try_add(1));
}

TEST(Cycle, ARefusedRowLeavesNoTrace) {
    Cycle cycle(kLimit);
    ASSERT_FALSE(cycle.try_add(kLimit + 1));

    EXPECT_TRUE(cycle.empty());
    EXPECT_TRUE(cycle.try_add(kLimit));
}

TEST(Cycle, IsAboveHighWaterWithMoreThanHalfOfItsLimit) {
    Cycle cycle(kLimit);

    ASSERT_TRUE(cycle.try_add(500));
    EXPECT_FALSE(cycle.above_high_water());
    ASSERT_TRUE(cycle.try_add(1));
    EXPECT_TRUE(cycle.above_high_water());
}

TEST(Cycle, TellsWhenItFallsBelowHighWaterAndWhenItIsEmptyAndNotInBetween) {
    Cycle cycle(kLimit);
    ASSERT_TRUE(cycle.try_add(900));

    EXPECT_FALSE(cycle.remove(300));
    EXPECT_TRUE(cycle.remove(100)) << "600 to 500";
    EXPECT_FALSE(cycle.remove(100));
    EXPECT_TRUE(cycle.remove(400)) << "empty";
    EXPECT_TRUE(cycle.empty());
}

RC_GTEST_PROP(Cycle, CountsWhatItHolds, (std::uint64_t seed)) {
    base::Random random(seed);
    Cycle cycle(kLimit);
    std::int64_t held = 0;
    for (int i = 0; i < 1'000; ++i) {
        const auto bytes = static_cast<std::int64_t>(1 + random.below(400));
        if (random.below(2) == 0) {
            RC_ASSERT(cycle.try_add(bytes) == (held + bytes <= kLimit));
            if (held + bytes <= kLimit) held += bytes;
        } else if (held > 0) {
            const std::int64_t less = std::min(bytes, held);
            const bool crosses = held > kLimit / 2 && held - less <= kLimit / 2;
            RC_ASSERT(cycle.remove(less) == (crosses || held == less));
            held -= less;
        }
        RC_ASSERT(cycle.empty() == (held == 0));
        RC_ASSERT(cycle.above_high_water() == (held > kLimit / 2));
    }
}

}  // namespace
}  // namespace storm::worker

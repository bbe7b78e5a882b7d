// The number of rows that may be lost never falls short, and exceeds what is not executed by no
// more than a mark.
#include "worker/transport/unexecuted.h"

#include <gtest/gtest.h>

namespace storm::worker {
namespace {

TEST(Unexecuted, ForgetsWhatIsExecutedAndNothingElse) {
    Unexecuted rows;
    rows.shipped(0, 10'000, 3);
    rows.shipped(10'000, 20'000, 4);
    rows.executed(9'999);
    EXPECT_EQ(rows.count(), 7);
    rows.executed(10'000);
    EXPECT_EQ(rows.count(), 4);
    rows.executed(25'000);
    EXPECT_EQ(rows.count(), 0);
}

TEST(Unexecuted, SmallRunsShareAMarkThatStaysWholeUntilAllOfItIsExecuted) {
    Unexecuted rows;
    rows.shipped(0, 100, 1);
    rows.shipped(100, 200, 1);
    rows.executed(199);
    EXPECT_EQ(rows.count(), 2);
    rows.executed(200);
    EXPECT_EQ(rows.count(), 0);
}

TEST(Unexecuted, FallsShortOfNothingAndExceedsLittle) {
    constexpr std::uint64_t kBytes = 64;
    Unexecuted rows;
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        rows.shipped(i * kBytes, (i + 1) * kBytes, 1);
        const std::uint64_t executed = i / 2;
        rows.executed(executed * kBytes);
        const std::uint64_t left = i + 1 - executed;
        ASSERT_GE(rows.count(), left);
        ASSERT_LE(rows.count(), left + 4'096 / kBytes);
    }
}

TEST(Unexecuted, RunsOfTrackedRowsAreNothing) {
    Unexecuted rows;
    rows.shipped(0, 100, 0);
    EXPECT_EQ(rows.count(), 0);
    rows.shipped(100, 200, 5);
    rows.clear();
    EXPECT_EQ(rows.count(), 0);
}

}  // namespace
}  // namespace storm::worker

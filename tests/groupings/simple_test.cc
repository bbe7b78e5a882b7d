// The groupings that fit into a line each: all, global and none.
#include <cstddef>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "groupings/all.h"
#include "groupings/global.h"
#include "groupings/none.h"

namespace storm::groupings {
namespace {

TEST(All, GivesEachTargetOneCopyInOrder) {
    const All all(3);
    std::vector<std::size_t> indices;

    all.each([&](std::size_t index) { indices.push_back(index); });

    EXPECT_THAT(indices, ::testing::ElementsAre(0, 1, 2));
    EXPECT_EQ(all.size(), 3U);
}

TEST(Global, GivesAllToTheFirst) {
    EXPECT_EQ(Global::choose(), 0U);
}

TEST(None, GivesEachTargetAboutAsMuch) {
    base::Random random(1);
    const None none(5);
    std::vector<int> times(5);

    for (int i = 0; i < 50'000; ++i) ++times[none.choose([&] { return random.next(); })];

    for (const int count : times) EXPECT_NEAR(count, 10'000, 500);
}

TEST(None, StaysWithinTheTargetsAtBothEnds) {
    const None none(3);

    EXPECT_EQ(none.choose([] { return 0UL; }), 0U);
    EXPECT_EQ(none.choose([] { return ~0UL; }), 2U);
}

}  // namespace
}  // namespace storm::groupings

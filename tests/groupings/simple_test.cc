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

constexpr auto kAllThere = [](std::size_t) { return Credit::kNone; };

TEST(All, GivesEachTargetOneCopyInOrder) {
    const All all(3);
    std::vector<std::size_t> indices;

    const bool sent = all.send(0, [&](std::size_t index) {
        indices.push_back(index);
        return index != 1;
    });

    EXPECT_THAT(indices, ::testing::ElementsAre(0, 1, 2));
    EXPECT_FALSE(sent) << "one of them was not sent";
    EXPECT_EQ(all.size(), 3U);
}

TEST(Global, GivesAllToTheFirst) {
    EXPECT_EQ(Global::choose(), 0U);
}

TEST(None, GivesEachTargetAboutAsMuch) {
    base::Random random(1);
    const None none(5);
    std::vector<int> times(5);

    for (int i = 0; i < 50'000; ++i) ++times[none.choose([&] { return random.next(); }, kAllThere)];

    for (const int count : times) EXPECT_NEAR(count, 10'000, 500);
}

TEST(None, PassesOverThoseThatAreGone) {
    const None none(3);
    const auto only = [](std::size_t there) {
        return [there](std::size_t i) { return i == there ? Credit::kNone : Credit::kGone; };
    };

    for (const std::size_t there : {0U, 1U, 2U}) {
        EXPECT_EQ(none.choose([] { return 0UL; }, only(there)), there);
        EXPECT_EQ(none.choose([] { return ~0UL; }, only(there)), there);
    }
    EXPECT_EQ(none.choose([] { return ~0UL; }, only(9)), 2U) << "all are gone";
}

TEST(None, StaysWithinTheTargetsAtBothEnds) {
    const None none(3);

    EXPECT_EQ(none.choose([] { return 0UL; }, kAllThere), 0U);
    EXPECT_EQ(none.choose([] { return ~0UL; }, kAllThere), 2U);
}

}  // namespace
}  // namespace storm::groupings

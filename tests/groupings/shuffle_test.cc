// Each target in turn, and those without credit left out without burdening their neighbour; those
// that are gone get nothing while there is any other one.
#include "groupings/shuffle.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace storm::groupings {
namespace {

using ::testing::ElementsAre;

constexpr auto kAll = [](std::size_t) { return Credit::kSome; };
constexpr auto kNone = [](std::size_t) { return Credit::kNone; };
constexpr auto kAllGone = [](std::size_t) { return Credit::kGone; };

std::vector<std::size_t> chosen(Shuffle& shuffle, std::size_t times) {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < times; ++i) indices.push_back(shuffle.choose(kAll));
    return indices;
}

TEST(Shuffle, GoesRoundFromItsStart) {
    Shuffle shuffle(3, 5);

    EXPECT_THAT(chosen(shuffle, 5), ElementsAre(2, 0, 1, 2, 0));
}

TEST(Shuffle, TakesTheNextWhereNoneHasCredit) {
    Shuffle shuffle(3, 0);

    EXPECT_EQ(shuffle.choose(kNone), 0U);
    EXPECT_EQ(shuffle.choose(kNone), 1U);
    EXPECT_EQ(shuffle.choose(kAll), 2U);
}

TEST(Shuffle, TakesOneWithoutCreditRatherThanOneThatIsGone) {
    Shuffle shuffle(4, 0);
    const auto credit = [](std::size_t i) { return i % 2 == 0 ? Credit::kGone : Credit::kNone; };

    EXPECT_EQ(shuffle.choose(credit), 1U);
    EXPECT_EQ(shuffle.choose(credit), 3U);
    EXPECT_EQ(shuffle.choose(credit), 1U);
}

TEST(Shuffle, TakesOneWithCreditThoughOneWithoutComesFirst) {
    Shuffle shuffle(3, 0);

    EXPECT_EQ(shuffle.choose([](std::size_t i) { return i == 2 ? Credit::kSome : Credit::kNone; }),
              2U);
}

TEST(Shuffle, TakesTheNextWhereAllAreGone) {
    Shuffle shuffle(2, 1);

    EXPECT_EQ(shuffle.choose(kAllGone), 1U);
    EXPECT_EQ(shuffle.choose(kAllGone), 0U);
}

TEST(Shuffle, OneTargetIsAlwaysIt) {
    Shuffle shuffle(1, ~std::uint64_t{0});

    EXPECT_THAT(chosen(shuffle, 3), ElementsAre(0, 0, 0));
}

RC_GTEST_PROP(Shuffle, SpreadsEvenlyOverThoseWithCredit, (std::uint64_t start)) {
    const auto credit = *rc::gen::nonEmpty(rc::gen::arbitrary<std::vector<bool>>());
    const auto with_credit =
        static_cast<std::size_t>(std::count(credit.begin(), credit.end(), true));
    RC_PRE(with_credit > 0U);
    Shuffle shuffle(credit.size(), start);

    std::vector<int> times(credit.size());
    for (std::size_t i = 0; i < 3 * with_credit; ++i) {
        ++times[shuffle.choose(
            [&](std::size_t index) { return credit[index] ? Credit::kSome : Credit::kNone; })];
    }

    for (std::size_t i = 0; i < credit.size(); ++i) RC_ASSERT(times[i] == (credit[i] ? 3 : 0));
}

RC_GTEST_PROP(Shuffle, SameStartAndCreditGiveTheSameChoices, (std::uint64_t start)) {
    const auto targets = *rc::gen::inRange<std::size_t>(1, 50);
    const auto refused = *rc::gen::inRange<std::size_t>(0, 50);
    const auto has_credit = [refused](std::size_t index) {
        return index == refused ? Credit::kNone : Credit::kSome;
    };
    Shuffle one(targets, start), other(targets, start);

    for (int i = 0; i < 100; ++i) RC_ASSERT(one.choose(has_credit) == other.choose(has_credit));
}

}  // namespace
}  // namespace storm::groupings

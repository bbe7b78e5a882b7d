// Nearest first; a farther ring only while no nearer target has credit; even within a ring.
#include "groupings/local_or_shuffle.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace storm::groupings {
namespace {

using ::testing::ElementsAre;

constexpr Distance kLoop = Distance::kSameLoop, kWorker = Distance::kSameWorker,
                   kFar = Distance::kElsewhere;
constexpr auto kAll = [](std::size_t) { return Credit::kSome; };
constexpr auto kNone = [](std::size_t) { return Credit::kNone; };
constexpr auto kAllGone = [](std::size_t) { return Credit::kGone; };

Credit some_if(bool has_credit) {
    return has_credit ? Credit::kSome : Credit::kNone;
}

template <typename HasCredit>
std::vector<std::size_t> chosen(LocalOrShuffle& grouping, std::size_t times, HasCredit has_credit) {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < times; ++i) indices.push_back(grouping.choose(has_credit));
    return indices;
}

TEST(LocalOrShuffle, NearestRingTakesAllWhileItHasCredit) {
    LocalOrShuffle grouping(std::vector{kFar, kLoop, kWorker, kLoop}, 0);

    EXPECT_THAT(chosen(grouping, 4, kAll), ElementsAre(1, 3, 1, 3));
}

TEST(LocalOrShuffle, SkipsWithinTheRingBeforeItGoesFarther) {
    LocalOrShuffle grouping(std::vector{kFar, kLoop, kWorker, kLoop}, 0);

    EXPECT_THAT(chosen(grouping, 3, [](std::size_t i) { return some_if(i != 1); }),
                ElementsAre(3, 3, 3));
    EXPECT_THAT(chosen(grouping, 2, [](std::size_t i) { return some_if(i == 0 || i == 2); }),
                ElementsAre(2, 2));
    EXPECT_THAT(chosen(grouping, 2, [](std::size_t i) { return some_if(i == 0); }),
                ElementsAre(0, 0));
}

TEST(LocalOrShuffle, NearestRingGoesOnWhereNoneHasCredit) {
    LocalOrShuffle grouping(std::vector{kFar, kWorker, kWorker}, 1);

    EXPECT_THAT(chosen(grouping, 3, kNone), ElementsAre(2, 1, 2));
}

TEST(LocalOrShuffle, OneWithoutCreditFarAwayIsBetterThanANearOneThatIsGone) {
    LocalOrShuffle grouping(std::vector{kLoop, kWorker, kFar, kFar, kWorker}, 0);
    const auto gone_but = [](std::size_t one, std::size_t other) {
        return
            [=](std::size_t i) { return i == one || i == other ? Credit::kNone : Credit::kGone; };
    };

    EXPECT_THAT(chosen(grouping, 3, gone_but(2, 3)), ElementsAre(2, 3, 2));
    EXPECT_THAT(chosen(grouping, 2, gone_but(3, 4)), ElementsAre(4, 4)) << "the nearest of them";
    EXPECT_THAT(chosen(grouping, 2, kAllGone), ElementsAre(0, 0));
}

TEST(LocalOrShuffle, StartsWhereItIsTold) {
    LocalOrShuffle grouping(std::vector{kFar, kFar, kFar}, 5);

    EXPECT_THAT(chosen(grouping, 3, kAll), ElementsAre(2, 0, 1));
}

TEST(LocalOrShuffle, FollowsWhatMoves) {
    LocalOrShuffle grouping(std::vector{kFar, kFar}, 0);
    grouping.choose(kAll);

    grouping.set_distances(std::vector{kFar, kLoop});
    EXPECT_THAT(chosen(grouping, 2, kAll), ElementsAre(1, 1));
    grouping.set_distances(std::vector{kWorker, kFar, kFar});
    EXPECT_THAT(chosen(grouping, 2, kAll), ElementsAre(0, 0));
}

RC_GTEST_PROP(LocalOrShuffle, NoTargetWithCreditIsNearerThanTheChosen, (std::uint64_t start)) {
    const auto distances = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<Distance>>(rc::gen::element(kLoop, kWorker, kFar)));
    LocalOrShuffle grouping(distances, start);

    for (int turn = 0; turn < 20; ++turn) {
        const auto credit =
            *rc::gen::container<std::vector<bool>>(distances.size(), rc::gen::arbitrary<bool>());
        const std::size_t index =
            grouping.choose([&](std::size_t i) { return some_if(credit[i]); });
        bool any = false;
        for (std::size_t i = 0; i < distances.size(); ++i) {
            any = any || credit[i];
            if (credit[i] || !credit[index])
                RC_ASSERT(distances[i] >= distances[index] || !credit[i]);
        }
        RC_ASSERT(credit[index] == any);
    }
}

RC_GTEST_PROP(LocalOrShuffle, SpreadsEvenlyWithinTheNearestRing, (std::uint64_t start)) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 20);
    std::vector<Distance> distances(size + 3, kFar);
    for (std::size_t i = 0; i < size; ++i) distances[i + 2] = kWorker;
    LocalOrShuffle grouping(distances, start);

    std::vector<int> times(distances.size());
    for (const std::size_t index : chosen(grouping, 4 * size, kAll)) ++times[index];

    for (std::size_t i = 0; i < times.size(); ++i) {
        RC_ASSERT(times[i] == (distances[i] == kWorker ? 4 : 0));
    }
}

}  // namespace
}  // namespace storm::groupings

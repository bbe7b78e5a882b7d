// A key has two targets and no third; between them, and over all, the load is even.
#include "groupings/partial_key.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "groupings/fields.h"

namespace storm::groupings {
namespace {

constexpr auto kAllThere = [](std::size_t) { return Credit::kNone; };

RC_GTEST_PROP(PartialKey, KeyHasTwoDifferentTargetsTheFirstOfThemThatOfFields,
              (std::uint64_t hash)) {
    const auto targets = *rc::gen::inRange<std::size_t>(2, 5000);

    const auto [first, second] = PartialKey(targets).candidates(hash);

    RC_ASSERT(first == Fields(targets).choose(hash));
    RC_ASSERT(second < targets);
    RC_ASSERT(first != second);
}

RC_GTEST_PROP(PartialKey, ChoosesAmongTheTwoWhateverWasChosenBefore, (std::uint64_t seed)) {
    const auto targets = *rc::gen::inRange<std::size_t>(1, 20);
    PartialKey partial_key(targets);
    base::Random random(seed);

    for (int i = 0; i < 200; ++i) {
        const std::uint64_t hash = random.next();
        const auto [first, second] = partial_key.candidates(hash);
        const std::size_t index = partial_key.choose(hash, kAllThere);
        RC_ASSERT(index == first || index == second);
    }
}

TEST(PartialKey, AKeyGoesToTheOtherOfItsTwoWhileOneIsGone) {
    constexpr std::uint64_t kKey = 0x1234'5678'9ABC'DEF0;
    PartialKey partial_key(10);
    const auto two = partial_key.candidates(kKey);
    for (const std::size_t gone : two) {
        const std::size_t other = two[0] + two[1] - gone;
        const auto credit = [&](std::size_t i) {
            return i == gone ? Credit::kGone : Credit::kNone;
        };
        for (int i = 0; i < 5; ++i) EXPECT_EQ(partial_key.choose(kKey, credit), other);
    }
    const std::size_t any = partial_key.choose(kKey, [](std::size_t) { return Credit::kGone; });
    EXPECT_TRUE(any == two[0] || any == two[1]) << "both are gone";
}

TEST(PartialKey, OneTargetIsAlwaysIt) {
    PartialKey partial_key(1);

    EXPECT_EQ(partial_key.choose(0, kAllThere), 0U);
    EXPECT_EQ(partial_key.choose(~std::uint64_t{0}, kAllThere), 0U);
}

TEST(PartialKey, OneKeyIsSharedEquallyByItsTwo) {
    PartialKey partial_key(10);
    std::vector<int> times(10);

    for (int i = 0; i < 1000; ++i) ++times[partial_key.choose(0x1234'5678'9ABC'DEF0, kAllThere)];

    EXPECT_EQ(std::count(times.begin(), times.end(), 500), 2);
}

// More than kUsedMax for one target: counts are halved on the way, several times.
TEST(PartialKey, StaysEvenForAsLongAsItRuns) {
    PartialKey partial_key(2);
    std::vector<int> times(2);

    for (int i = 0; i < 5'000'000; ++i)
        ++times[partial_key.choose(static_cast<std::uint64_t>(i) << 32, kAllThere)];

    EXPECT_NEAR(times[0], times[1], 2);
}

// Half of all rows have one key: Fields would give its target 56 % of them.
TEST(PartialKey, FrequentKeyIsSpread) {
    constexpr int kRows = 80'000;
    PartialKey partial_key(8);
    base::Random random(1);
    std::vector<int> times(8);

    for (int i = 0; i < kRows; ++i)
        ++times[partial_key.choose(i % 2 == 0 ? 42 : random.next(), kAllThere)];

    EXPECT_LT(*std::max_element(times.begin(), times.end()), kRows * 30 / 100);
}

TEST(PartialKey, SecondTargetsAreSpreadOverAllOthers) {
    const PartialKey partial_key(8);
    base::Random random(1);
    std::vector<int> times(8);

    for (int i = 0; i < 70'000; ++i) {
        // The first target is the same each time: the top bits are zero.
        ++times[partial_key.candidates(random.next() >> 15)[1]];
    }

    EXPECT_EQ(times[0], 0);
    for (std::size_t i = 1; i < times.size(); ++i) EXPECT_NEAR(times[i], 10'000, 500);
}

}  // namespace
}  // namespace storm::groupings

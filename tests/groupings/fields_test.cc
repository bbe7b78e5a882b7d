// The same key goes to the same target, in this process and in any other.
#include "groupings/fields.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"

namespace storm::groupings {
namespace {

RC_GTEST_PROP(Fields, ChooseTheTargetOfTheKeysGroup, (std::uint64_t hash)) {
    const auto targets = *rc::gen::inRange<std::size_t>(1, 5000);

    const std::size_t chosen = Fields(targets).choose(hash);

    RC_ASSERT(chosen == target_of_group(key_group(hash), targets));
    RC_ASSERT(chosen < targets);
}

TEST(Fields, SpreadEvenly) {
    constexpr int kKeysEach = 10'000;
    base::Random random(1);
    const Fields fields(7);
    std::vector<int> times(7);

    for (int i = 0; i < 7 * kKeysEach; ++i) ++times[fields.choose(random.next())];

    for (const int count : times) EXPECT_NEAR(count, kKeysEach, kKeysEach / 10.0);
}

TEST(KeyGroups, CoverTheTargetsInOrder) {
    EXPECT_EQ(key_group(0), 0U);
    EXPECT_EQ(key_group(~std::uint64_t{0}), kKeyGroups - 1);
    for (const std::size_t targets : {1U, 3U, 4U, 1000U, 32'768U}) {
        EXPECT_EQ(target_of_group(0, targets), 0U);
        EXPECT_EQ(target_of_group(kKeyGroups - 1, targets), targets - 1);
    }
}

}  // namespace
}  // namespace storm::groupings

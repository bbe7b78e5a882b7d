// The same key goes to the same target, in this process and in any other; a table moves whole
// groups.
#include "groupings/fields.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "wire/hash.h"

namespace storm::groupings {
namespace {

std::vector<std::uint16_t> arithmetic_table(std::size_t targets) {
    std::vector<std::uint16_t> table(Fields::kGroups);
    for (std::uint32_t group = 0; group < Fields::kGroups; ++group) {
        table[group] = static_cast<std::uint16_t>(wire::target_index(group, targets));
    }
    return table;
}

// The formula stands in two rooms that do not know each other: here they meet.
RC_GTEST_PROP(Fields, ChooseWhatTheWireFormatSpecifies, (std::uint64_t hash)) {
    const auto targets = *rc::gen::inRange<std::size_t>(1, 5000);

    const std::size_t chosen = Fields(targets).choose(hash);

    RC_ASSERT(chosen == wire::target_index(wire::key_group(hash), targets));
    RC_ASSERT(chosen < targets);
}

RC_GTEST_PROP(Fields, TableOfTheSameGroupsChangesNothing, (std::uint64_t hash)) {
    const auto targets = *rc::gen::inRange<std::size_t>(1, 500);
    const auto fields = Fields::with_table(targets, arithmetic_table(targets));

    RC_ASSERT(fields.has_value());
    RC_ASSERT(fields->choose(hash) == Fields(targets).choose(hash));
}

TEST(Fields, MovedGroupMovesItsKeysAndNoOthers) {
    std::vector<std::uint16_t> table = arithmetic_table(4);
    table[100] = 3;
    const auto fields = Fields::with_table(4, std::move(table));
    ASSERT_TRUE(fields);

    EXPECT_EQ(fields->choose(std::uint64_t{100} << 49 | 12345), 3U);
    EXPECT_EQ(fields->choose(std::uint64_t{101} << 49), 0U);
    EXPECT_EQ(fields->choose(std::numeric_limits<std::uint64_t>::max()), 3U);
}

TEST(Fields, MalformedTableIsRefused) {
    std::vector<std::uint16_t> table = arithmetic_table(4);
    EXPECT_FALSE(Fields::with_table(3, table));
    table.pop_back();
    EXPECT_FALSE(Fields::with_table(4, table));
    EXPECT_FALSE(Fields::with_table(4, {}));
}

TEST(Fields, SpreadEvenly) {
    constexpr int kKeysEach = 10'000;
    base::Random random(1);
    const Fields fields(7);
    std::vector<int> times(7);

    for (int i = 0; i < 7 * kKeysEach; ++i) ++times[fields.choose(random.next())];

    for (const int count : times) EXPECT_NEAR(count, kKeysEach, kKeysEach / 10.0);
}

}  // namespace
}  // namespace storm::groupings

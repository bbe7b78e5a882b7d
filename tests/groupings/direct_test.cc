// A task is found exactly if it is a target, whether the ids have gaps or not.
#include "groupings/direct.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace storm::groupings {
namespace {

TEST(Direct, FindsTasksThatFollowEachOther) {
    const Direct direct({4, 5, 6});

    EXPECT_EQ(direct.choose(3), std::nullopt);
    EXPECT_EQ(direct.choose(4), 0U);
    EXPECT_EQ(direct.choose(6), 2U);
    EXPECT_EQ(direct.choose(7), std::nullopt);
}

TEST(Direct, FindsTasksAtTheEndsOfTheirRange) {
    constexpr TaskId kLeast = std::numeric_limits<TaskId>::min();
    constexpr TaskId kMost = std::numeric_limits<TaskId>::max();
    const Direct direct({kLeast, 0, kMost});

    EXPECT_EQ(direct.choose(kLeast), 0U);
    EXPECT_EQ(direct.choose(kMost), 2U);
    EXPECT_EQ(direct.choose(kMost - 1), std::nullopt);
}

RC_GTEST_PROP(Direct, FindsEveryTargetAndNothingElse, ()) {
    const auto tasks =
        *rc::gen::nonEmpty(rc::gen::container<std::set<TaskId>>(rc::gen::inRange(1, 60)));
    const std::vector<TaskId> targets(tasks.begin(), tasks.end());
    const Direct direct(targets);

    for (TaskId task = 0; task < 62; ++task) {
        const std::optional<std::size_t> index = direct.choose(task);
        RC_ASSERT(index.has_value() == tasks.contains(task));
        if (index) RC_ASSERT(targets[*index] == task);
    }
}

}  // namespace
}  // namespace storm::groupings

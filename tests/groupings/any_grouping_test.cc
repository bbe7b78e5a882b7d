// Goal:   a subscription's kind makes the grouping of that kind, whichever there are.
// Method: each kind, with few targets; what is sent is counted.

#include "groupings/any_grouping.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace storm::groupings {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kKinds = static_cast<std::size_t>(GroupingKind::kCustom) + 1;

/// Chooses its first task.
struct First final : Grouping {
    void prepare(const TaskContext&, std::span<const TaskId> tasks) override {
        first = tasks.front();
    }
    void choose(const Tuple&, std::vector<TaskId>& chosen) override { chosen.push_back(first); }

    TaskId first = 0;
};

struct Row {
    std::uint64_t hash() const { return 5; }
    std::uint64_t random() const { return 6; }
    Credit credit(std::size_t) const { return Credit::kSome; }
};

struct AnyGroupingTest : ::testing::Test {
    AnyGrouping make(GroupingKind kind) {
        input.grouping = kind;
        return make_grouping({input, component, tasks, context,
                              [](TaskId) { return Distance::kElsewhere; }, random});
    }

    Subscription input{
        "lines", "default", GroupingKind::kShuffle, {}, [] { return std::make_unique<First>(); }};
    std::string component = "count";
    std::vector<TaskId> tasks{4, 5, 6};
    TaskContext context{nullptr};
    base::Random random{1};
};

template <std::size_t... I>
std::set<GroupingKind> kinds_of(std::index_sequence<I...>) {
    return {std::variant_alternative_t<I, AnyGrouping>::kKind...};
}

TEST_F(AnyGroupingTest, EachKindHasOne) {
    constexpr auto kAll = std::make_index_sequence<std::variant_size_v<AnyGrouping>>();
    EXPECT_EQ(kinds_of(kAll).size(), kKinds);
    EXPECT_EQ(std::variant_size_v<AnyGrouping>, kKinds);
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
        const AnyGrouping made = make(static_cast<GroupingKind>(kind));
        const auto its_kind = std::visit([](const auto& grouping) { return grouping.kKind; }, made);
        EXPECT_EQ(its_kind, static_cast<GroupingKind>(kind));
    }
}

TEST_F(AnyGroupingTest, SendsToOneTargetToAllOrWhereTheEmitterSays) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
        AnyGrouping made = make(static_cast<GroupingKind>(kind));
        std::vector<std::size_t> sent;
        const auto to = [&sent](std::size_t i) {
            sent.push_back(i);
            return true;
        };
        const bool all = std::visit([&](auto& each) { return each.send(Row(), to); }, made);
        std::size_t expected = 1;
        if (made.index() == make(GroupingKind::kAll).index()) expected = 3;
        if (made.index() == make(GroupingKind::kDirect).index()) expected = 0;
        // It has not been asked to choose.
        if (made.index() == make(GroupingKind::kCustom).index()) expected = 0;
        EXPECT_TRUE(all);
        EXPECT_EQ(sent.size(), expected) << to_string(static_cast<GroupingKind>(kind));
    }
}

TEST_F(AnyGroupingTest, OneCopyThatIsNotSentIsReported) {
    AnyGrouping all = make(GroupingKind::kAll);
    int calls = 0;
    const bool sent = std::visit(
        [&](auto& each) {
            return each.send(Row(), [&calls](std::size_t) { return ++calls != 2; });
        },
        all);
    EXPECT_FALSE(sent);
    EXPECT_EQ(calls, 3);
}

TEST_F(AnyGroupingTest, OnlyTheTwoThatMayChooseSkipTheExhausted) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
        const auto each = static_cast<GroupingKind>(kind);
        EXPECT_EQ(skips_exhausted(make(each)),
                  each == GroupingKind::kShuffle || each == GroupingKind::kLocalOrShuffle);
    }
}

TEST_F(AnyGroupingTest, ACustomOneThatCannotBeMadeSaysWhoseItIs) {
    const auto why = [this] {
        try {
            make(GroupingKind::kCustom);
        } catch (const std::runtime_error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    input.custom = [] { return nullptr; };
    EXPECT_THAT(why(), HasSubstr("the custom grouping of \"count\" for \"lines\" is null"));
    input.custom = []() -> std::unique_ptr<Grouping> { throw std::logic_error("no key"); };
    EXPECT_THAT(why(), HasSubstr("cannot be made: std::logic_error: no key"));
}

}  // namespace
}  // namespace storm::groupings

// The user's choice is taken as it is, or refused with a message that helps.
#include "groupings/custom.h"

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/detail/row.h>
#include <storm/detail/tuple_access.h>

namespace storm::groupings {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Chooses what the test says.
class Scripted final : public Grouping {
public:
    explicit Scripted(std::vector<std::vector<TaskId>> choices) : choices_(std::move(choices)) {}
    void prepare(const TaskContext& /*context*/, std::span<const TaskId> targets) override {
        prepared_with.assign(targets.begin(), targets.end());
    }
    void choose(const Tuple& /*tuple*/, std::vector<TaskId>& chosen) override {
        EXPECT_THAT(chosen, IsEmpty());
        chosen = choices_.at(next_++);
    }

    std::vector<TaskId> prepared_with;

private:
    std::vector<std::vector<TaskId>> choices_;
    std::size_t next_ = 0;
};

class CustomTest : public ::testing::Test {
protected:
    CustomTest() { detail::store(row_, std::uint64_t{8}); }

    /// The tasks 4, 7 and 9 of "count".
    static Custom custom(std::unique_ptr<Scripted> scripted) {
        return {std::move(scripted), "count", {4, 7, 9}};
    }
    static Custom custom(std::vector<std::vector<TaskId>> choices) {
        return custom(std::make_unique<Scripted>(std::move(choices)));
    }
    std::vector<std::size_t> choose(Custom& grouping) {
        const Tuple tuple = detail::TupleAccess::make(row_, 8, schema_, 1);
        const auto chosen = grouping.choose(tuple);
        return {chosen.begin(), chosen.end()};
    }

private:
    std::byte row_[8] = {};
    detail::StreamSchema schema_;
};

TEST_F(CustomTest, IsPreparedWithItsTargets) {
    auto scripted = std::make_unique<Scripted>(std::vector<std::vector<TaskId>>());
    const Scripted& seen = *scripted;
    Custom grouping = custom(std::move(scripted));

    grouping.prepare(TaskContext(nullptr));

    EXPECT_THAT(seen.prepared_with, ElementsAre(4, 7, 9));
}

TEST_F(CustomTest, ChosenTasksBecomeIndicesAsTheyAre) {
    Custom grouping = custom({{9, 4}, {}, {7, 7}});

    EXPECT_THAT(choose(grouping), ElementsAre(2, 0));
    EXPECT_THAT(choose(grouping), IsEmpty());
    EXPECT_THAT(choose(grouping), ElementsAre(1, 1));
}

TEST_F(CustomTest, TaskThatIsNoTargetIsRefusedByName) {
    Custom grouping = custom({{4, 5}, {4}});

    try {
        choose(grouping);
        FAIL() << "task 5 was accepted";
    } catch (const EmitError& error) {
        EXPECT_THAT(error.what(), HasSubstr("custom grouping to component \"count\" chose task 5"));
    }
    EXPECT_THAT(choose(grouping), ElementsAre(0));
}

}  // namespace
}  // namespace storm::groupings

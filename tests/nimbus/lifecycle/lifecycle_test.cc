// Goal:   a topology goes through its states as drawn in lifecycle.h, and through no others.
// Method: every event in every state, against a table; waits at their edges.

#include "nimbus/lifecycle/lifecycle.h"

#include <array>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "nimbus/limits.h"

namespace storm::nimbus {
namespace {

using cluster::Status;

constexpr std::array kStatuses = {Status::kActive, Status::kInactive, Status::kKilled,
                                  Status::kRebalancing, Status::kFinished};

Fate in(Status status) {
    return {status, status == Status::kKilled ? 1'000 : 0, cluster::is_draining(status) ? 500 : 0};
}

TEST(Lifecycle, GoesFromEachStateWhereItsTableSays) {
    struct Row {
        Status from;
        const char* activated;
        const char* deactivated;
        const char* rebalanced;
        const char* finished;
    };
    const std::array<Row, 5> table = {{
        {Status::kActive, "ACTIVE", "INACTIVE", "REBALANCING", "FINISHED"},
        {Status::kInactive, "ACTIVE", "INACTIVE", "REBALANCING", "FINISHED"},
        {Status::kKilled, "cannot activate it: it is KILLED", "cannot deactivate it: it is KILLED",
         "cannot rebalance it: it is KILLED", "KILLED"},
        {Status::kRebalancing, "cannot activate it: it is REBALANCING",
         "cannot deactivate it: it is REBALANCING", "cannot rebalance it: it is REBALANCING",
         "REBALANCING"},
        {Status::kFinished, "cannot activate it: it is FINISHED",
         "cannot deactivate it: it is FINISHED", "cannot rebalance it: it is FINISHED", "FINISHED"},
    }};
    const auto text = [](const base::Result<Fate>& fate) {
        return fate ? std::string(cluster::to_string(fate->status)) : fate.error().message;
    };
    for (const Row& row : table) {
        EXPECT_EQ(text(activate(in(row.from))), row.activated);
        EXPECT_EQ(text(deactivate(in(row.from))), row.deactivated);
        EXPECT_EQ(text(rebalance(in(row.from), 0, {})), row.rebalanced);
        EXPECT_EQ(text(finish(in(row.from))), row.finished);
        EXPECT_EQ(kill(in(row.from), 7, 2'000), (Fate{Status::kKilled, 2'000, 7}));
    }
}

TEST(Lifecycle, FinishingKeepsTheWaitOfAKill) {
    EXPECT_EQ(finish(in(Status::kKilled)), in(Status::kKilled));
}

TEST(Lifecycle, AKilledOneIsOverAsSoonAsItsWorkersAreGone) {
    const Fate fate = kill({}, 30'000, 1'000);

    EXPECT_TRUE(is_over(fate, true, 0));
    EXPECT_FALSE(is_over(fate, false, 0));
}

TEST(Lifecycle, AKilledOneIsOverAfterWaitAndGraceWhateverIsLeft) {
    const Fate fate = kill({}, 30'000, 1'000);

    const base::Micros over = (30'000 + kKillGraceMs) * base::kMicrosPerMilli;
    EXPECT_EQ(over_after(fate), over);
    EXPECT_FALSE(is_over(fate, false, over - 1));
    EXPECT_TRUE(is_over(fate, false, over));
}

TEST(Lifecycle, ARebalancedOneIsAsBeforeOnceItHasDrained) {
    cluster::Rebalance asked;
    asked.workers = 3;
    for (const Status before : {Status::kActive, Status::kInactive}) {
        const Fate fate = rebalance(in(before), 7'000, asked).value();

        EXPECT_EQ(fate.rebalance.workers, 3U);
        EXPECT_FALSE(is_over(fate, false, (7'000 + kKillGraceMs) * base::kMicrosPerMilli - 1));
        EXPECT_TRUE(is_over(fate, true, 0));
        EXPECT_TRUE(is_over(fate, false, (7'000 + kKillGraceMs) * base::kMicrosPerMilli));
        EXPECT_EQ(rebalanced(fate), in(before));
    }
}

TEST(Lifecycle, NothingElseIsEverOver) {
    for (const Status status : kStatuses) {
        if (cluster::is_draining(status)) continue;
        EXPECT_FALSE(is_over(in(status), true, INT64_MAX));
    }
}

TEST(Lifecycle, BoundsTheWait) {
    EXPECT_EQ(kill({}, -1, 0).kill_wait_ms, 0);
    EXPECT_EQ(kill({}, INT64_MAX, 0).kill_wait_ms, kKillWaitMsMax);
    EXPECT_EQ(rebalance({}, -1, {})->kill_wait_ms, 0);
    EXPECT_EQ(rebalance({}, INT64_MAX, {})->kill_wait_ms, kKillWaitMsMax);
}

TEST(Lifecycle, OnlyActiveAndInactiveOnesHaveWorkers) {
    EXPECT_TRUE(is_running(in(Status::kActive)));
    EXPECT_TRUE(is_running(in(Status::kInactive)));
    EXPECT_FALSE(is_running(in(Status::kKilled)));
    EXPECT_FALSE(is_running(in(Status::kRebalancing)));
    EXPECT_FALSE(is_running(in(Status::kFinished)));
}

TEST(Lifecycle, WritesWhatItReads) {
    cluster::TopologyRecord record;
    const Fate fate{Status::kKilled, 5, 6, {Status::kInactive, 7, {{"count", 8}}}};

    set_fate(record, fate);

    EXPECT_EQ(fate_of(record), fate);
}

}  // namespace
}  // namespace storm::nimbus

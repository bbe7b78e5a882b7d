// Assignments become what each port is to have. Method: pure calls.

#include "supervisor/reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace storm::supervisor {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::shared_ptr<const cluster::Assignment> assignment(const std::string& topology,
                                                      std::vector<cluster::WorkerSlot> workers) {
    cluster::Assignment made;
    made.topology = topology;
    made.epoch = 5;
    made.workers = std::move(workers);
    return std::make_shared<const cluster::Assignment>(made);
}

TEST(Reconciler, TakesTheWorkersOfThisSupervisorOnly) {
    const Assignments all = {{"a", assignment("a", {{0, "me", "h", 6700, 3},
                                                    {1, "other", "h", 6700, 5},
                                                    {2, "me", "h", 6701, 5}})},
                             {"b", assignment("b", {{0, "other", "h", 6701, 5}})}};

    const Desired desired = desired_workers(all, "me", {6700, 6701, 6702}, {});

    ASSERT_THAT(desired.by_port, SizeIs(2));
    EXPECT_EQ(desired.by_port.at(6700).target, (Target{"a", 0, 3}));
    EXPECT_EQ(desired.by_port.at(6700).assignment_epoch, 5U);
    EXPECT_EQ(desired.by_port.at(6701).target, (Target{"a", 2, 5}));
    EXPECT_TRUE(desired.mistakes.empty());
}

TEST(Reconciler, SaysWhichWorkerHasAPortThatIsNotOurs) {
    const Assignments all = {{"a", assignment("a", {{0, "me", "h", 9999, 3}})}};

    const Desired desired = desired_workers(all, "me", {6700}, {});

    EXPECT_TRUE(desired.by_port.empty());
    ASSERT_THAT(desired.mistakes, SizeIs(1));
    EXPECT_THAT(desired.mistakes[0].why, HasSubstr("port 9999"));
}

TEST(Reconciler, LeavesAloneWhatRunsOfATopologyInDoubt) {
    const Assignments all = {{"b", assignment("b", {{0, "me", "h", 6700, 4}})},
                             {"c", assignment("c", {{0, "me", "h", 6702, 4}})}};
    const std::map<std::uint16_t, Target> current = {
        {6700, {"a", 3, 2}}, {6701, {"d", 0, 1}}, {6702, {"c", 0, 3}}};

    const Desired desired = desired_workers(all, "me", {6700, 6701, 6702}, current, {"a", "c"});

    EXPECT_EQ(desired.left_alone, std::set<std::uint16_t>{6700});
    ASSERT_EQ(desired.by_port.size(), 1U) << "d is gone, and that of c which was read stands";
    EXPECT_EQ(desired.by_port.at(6702).target, (Target{"c", 0, 4}));
    ASSERT_THAT(desired.mistakes, SizeIs(1));
    EXPECT_EQ(desired.mistakes[0].wanted.target, (Target{"b", 0, 4}));
    EXPECT_THAT(desired.mistakes[0].why, HasSubstr("topology \"a\""));
}

TEST(Reconciler, LeavesAPortThatTwoWantToTheOneThatRuns) {
    const Assignments all = {{"a", assignment("a", {{0, "me", "h", 6700, 3}})},
                             {"b", assignment("b", {{0, "me", "h", 6700, 4}})}};

    const Desired first = desired_workers(all, "me", {6700}, {});
    const Desired kept = desired_workers(all, "me", {6700}, {{6700, {"b", 0, 4}}});

    EXPECT_EQ(first.by_port.at(6700).target.topology, "a");
    EXPECT_EQ(kept.by_port.at(6700).target.topology, "b");
    EXPECT_THAT(kept.mistakes, SizeIs(1));
}

TEST(Reconciler, GivesAPortOfAKilledTopologyToTheNextOne) {
    cluster::Assignment killed = *assignment("a", {{0, "me", "h", 6700, 3}});
    killed.status = cluster::Status::kKilled;
    const Assignments all = {{"a", std::make_shared<const cluster::Assignment>(killed)},
                             {"b", assignment("b", {{0, "me", "h", 6700, 4}})}};

    const Desired desired = desired_workers(all, "me", {6700}, {{6700, {"a", 0, 3}}});

    EXPECT_EQ(desired.by_port.at(6700).target.topology, "b");
}

TEST(Reconciler, BoundsTheTimeOfAKill) {
    cluster::Assignment killed = *assignment("a", {{0, "me", "h", 6700, 3}});
    killed.status = cluster::Status::kKilled;
    killed.kill_wait_ms = std::numeric_limits<std::int64_t>::max();
    const Assignments all = {{"a", std::make_shared<const cluster::Assignment>(killed)}};

    const Desired desired = desired_workers(all, "me", {6700}, {});

    EXPECT_GT(desired.by_port.at(6700).kill_wait, 0);
}

}  // namespace
}  // namespace storm::supervisor

// Goal:   topologies come, run, finish and go as they should, whoever leads, and whatever happens
// to
//         Nimbuses, Supervisors and ZooKeeper meanwhile.
// Method: the simulated cluster of tests/nimbus/simulated.h, each fault by hand.

#include "nimbus/topology_store/topologies.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/record_codec.h"
#include "nimbus/limits.h"
#include "tests/nimbus/described.h"
#include "tests/nimbus/simulated.h"

namespace storm::nimbus {
namespace {

using base::kMicrosPerSecond;
using cluster::Assignment;
using cluster::Status;
using storm::testing::ManualLoop;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::kSessionTimeout;
using tests::kTaskTimeout;
using tests::SimulatedNimbus;
using tests::SimulatedSupervisor;
using tests::World;

class TopologiesTest : public ::testing::Test {
protected:
    TopologiesTest() { run(); }

    void run(base::Micros duration = kMicrosPerSecond) { world.time.run_for(duration); }
    SimulatedSupervisor& supervisor(const std::string& id, std::uint16_t slots) {
        supervisors.push_back(std::make_unique<SimulatedSupervisor>(world, id, slots));
        run();
        return *supervisors.back();
    }
    /// All Supervisors say so.
    void report(SimulatedNimbus& to, const std::string& name, cluster::WorkerState worker_state,
                std::int32_t pid = 1) {
        const auto assignment = to.assignment(name).value();
        for (const auto& supervisor : supervisors) {
            EXPECT_FALSE(to.topologies.report(supervisor->report(assignment, worker_state, pid)));
        }
        run(kMicrosPerSecond / 10);
    }

    World world;
    SimulatedNimbus nimbus{world, "n1:6627"};
    std::vector<std::unique_ptr<SimulatedSupervisor>> supervisors;
};

TEST_F(TopologiesTest, ASubmissionIsAssignedAtOnce) {
    supervisor("s1", 2);
    supervisor("s2", 2);

    const std::string id = nimbus.submit("wc", 2);

    EXPECT_TRUE(id.starts_with("wc-1-17000")) << id;
    const auto stored = cluster::decode<Assignment>(world.server.data("/storm/assignments/" + id));
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(stored->epoch, 1U);
    EXPECT_THAT(stored->workers, SizeIs(2));
    EXPECT_EQ(*stored, nimbus.assignment("wc"));
}

TEST_F(TopologiesTest, WaitsForSlotsAndTakesThemWhenTheyCome) {
    nimbus.submit("wc", 2);
    EXPECT_THAT(nimbus.topologies.all().at(0).unassigned,
                ElementsAre("no supervisor is connected"));

    supervisor("s1", 4);

    EXPECT_THAT(nimbus.assignment("wc")->workers, SizeIs(2));
    EXPECT_THAT(nimbus.topologies.all().at(0).unassigned, IsEmpty());
}

TEST_F(TopologiesTest, TheFirstThatWasSubmittedComesFirstWhateverTheClocksSay) {
    nimbus.submit("first", 2);
    world.wall.ahead_ms = -3'600'000;
    nimbus.submit("second", 2);

    supervisor("s1", 2);

    EXPECT_THAT(nimbus.assignment("first")->workers, SizeIs(2));
    EXPECT_THAT(nimbus.assignment("second")->workers, IsEmpty());
}

TEST_F(TopologiesTest, RefusesANameThatIsTaken) {
    nimbus.submit("wc", 1);

    EXPECT_EQ(nimbus.submit("wc", 1), "there is a topology \"wc\" already");
}

TEST_F(TopologiesTest, TakesSubmissionsThatComeTogether) {
    supervisor("s1", 2);
    std::vector<std::string> answers;
    for (int i = 0; i < 3; ++i) {
        Submission made;
        made.record.name = i == 2 ? "t0" : "t" + std::to_string(i);
        made.record.description = tests::describe_json(tests::word_count(1));
        made.record.artifacts = {{"program", std::string(64, 'a'), 0755, 5}};
        made.description = tests::word_count(1);
        nimbus.topologies.submit(std::move(made),
                                 [&](const std::string& id, const std::optional<Refusal>& refused) {
                                     answers.push_back(refused ? refused->why : id);
                                 });
    }
    run();

    ASSERT_THAT(answers, SizeIs(3));
    EXPECT_EQ(answers[0], "there is a topology \"t0\" already");
    EXPECT_NE(nimbus.assignment("t0")->workers.at(0).port,
              nimbus.assignment("t1")->workers.at(0).port);
}

TEST_F(TopologiesTest, MovesWorkersWhenASupervisorIsLost) {
    supervisor("s1", 4);
    supervisor("s2", 4);
    nimbus.submit("wc", 2);
    run(kReturnGrace);
    const Assignment before = *nimbus.assignment("wc");
    supervisors[0]->loop.hold();

    run(kSessionTimeout + 2 * kMicrosPerSecond);

    const Assignment after = *nimbus.assignment("wc");
    EXPECT_EQ(after.epoch, before.epoch + 1);
    for (const cluster::WorkerSlot& slot : after.workers) EXPECT_EQ(slot.supervisor, "s2");
    EXPECT_EQ(after.worker_of_executor, before.worker_of_executor);
}

TEST_F(TopologiesTest, MovesNothingWhileALostSupervisorStillReports) {
    supervisor("s1", 4);
    supervisor("s2", 4);
    nimbus.submit("wc", 2);
    run(kReturnGrace);
    const Assignment before = *nimbus.assignment("wc");
    world.server.silence(supervisors[0]->loop);

    for (int i = 0; i < 10; ++i) {
        nimbus.topologies.report(supervisors[0]->report(before, cluster::WorkerState::kRunning, 1));
        run(2 * kMicrosPerSecond);
    }
    EXPECT_THAT(nimbus.topologies.supervisors(), SizeIs(1));
    EXPECT_EQ(nimbus.assignment("wc"), before);

    run(kTaskTimeout + kMicrosPerSecond);
    EXPECT_NE(nimbus.assignment("wc"), before);
}

TEST_F(TopologiesTest, AnOutageOfZookeeperMovesNothing) {
    supervisor("s1", 4);
    supervisor("s2", 4);
    nimbus.submit("wc", 2);
    run(kReturnGrace);
    const Assignment before = *nimbus.assignment("wc");
    const std::vector<const ManualLoop*> all = {&nimbus.loop, &supervisors[0]->loop,
                                                &supervisors[1]->loop};
    for (const ManualLoop* loop : all) world.server.cut(*loop);
    run(30 * kMicrosPerSecond);
    EXPECT_FALSE(nimbus.topologies.leading()) << "it fences itself";

    // All sessions are over. Nimbus is back first, Supervisors one after the other.
    for (const ManualLoop* loop : all) {
        world.server.mend(*loop);
        run(3 * kMicrosPerSecond);
    }
    run(kReturnGrace + kMicrosPerSecond);

    EXPECT_TRUE(nimbus.topologies.leading());
    EXPECT_THAT(nimbus.topologies.supervisors(), SizeIs(2));
    EXPECT_EQ(nimbus.assignment("wc"), before);
}

TEST_F(TopologiesTest, ANewLeaderKnowsEverythingAndMovesNothing) {
    supervisor("s1", 4);
    const std::string id = nimbus.submit("wc", 2);
    nimbus.submit("other", 1);
    const Assignment before = *nimbus.assignment("wc");
    SimulatedNimbus second(world, "n2:6627");
    run();
    EXPECT_FALSE(second.topologies.leading());
    EXPECT_THAT(second.topologies.all(), SizeIs(2)) << "any Nimbus answers reads";
    nimbus.loop.hold();

    run(kSessionTimeout + 3 * kMicrosPerSecond);

    ASSERT_TRUE(second.topologies.leading());
    EXPECT_EQ(second.assignment("wc"), before);
    run(kReturnGrace + kMicrosPerSecond);
    EXPECT_EQ(second.assignment("wc"), before);
    EXPECT_TRUE(second.submit("third", 1).starts_with("third-3-"));

    nimbus.loop.release();
    run();
    EXPECT_FALSE(nimbus.topologies.leading());
    EXPECT_EQ(nimbus.submit("stale", 1), "this Nimbus does not lead, or not yet");
    EXPECT_EQ(nimbus.assignment("wc"), before);
}

TEST_F(TopologiesTest, AStaleLeaderWritesNothing) {
    supervisor("s1", 4);
    nimbus.submit("wc", 1);
    SimulatedNimbus second(world, "n2:6627");
    run();
    // Its request is on its way when it stops, and arrives during the next term.
    nimbus.loop.hold();
    run(kSessionTimeout + 3 * kMicrosPerSecond);
    ASSERT_TRUE(second.topologies.leading());
    const auto before = world.server.children("/storm/topologies");

    const std::string answer = nimbus.kill("wc", 0);
    nimbus.loop.release();
    run();

    EXPECT_EQ(answer, "this Nimbus does not lead, or not yet");
    EXPECT_EQ(world.server.children("/storm/topologies"), before);
    EXPECT_EQ(second.status("wc"), "ACTIVE");
}

TEST_F(TopologiesTest, ReassignsAfterALeaderChangeWhatIsReallyLost) {
    supervisor("s1", 4);
    supervisor("s2", 4);
    nimbus.submit("wc", 2);
    SimulatedNimbus second(world, "n2:6627");
    run();
    nimbus.loop.hold();
    supervisors[0]->loop.hold();

    run(kSessionTimeout + kReturnGrace + 3 * kMicrosPerSecond);

    const Assignment after = *second.assignment("wc");
    for (const cluster::WorkerSlot& slot : after.workers) EXPECT_EQ(slot.supervisor, "s2");
}

TEST_F(TopologiesTest, AKilledOneIsRemovedAsSoonAsItsWorkersAreGone) {
    supervisor("s1", 4);
    const std::string id = nimbus.submit("wc", 1);
    report(nimbus, "wc", cluster::WorkerState::kRunning);

    EXPECT_EQ(nimbus.kill("wc", 30'000), "");
    EXPECT_EQ(nimbus.status("wc"), "KILLED");
    EXPECT_EQ(nimbus.assignment("wc")->status, Status::kKilled);
    EXPECT_EQ(nimbus.assignment("wc")->kill_wait_ms, 30'000);
    run(5 * kMicrosPerSecond);
    EXPECT_EQ(nimbus.status("wc"), "KILLED");

    report(nimbus, "wc", cluster::WorkerState::kRunning, 0);
    EXPECT_EQ(nimbus.status("wc"), "none");
    EXPECT_FALSE(world.server.exists("/storm/assignments/" + id));
    EXPECT_TRUE(nimbus.submit("wc", 1).starts_with("wc-2-"));
}

TEST_F(TopologiesTest, AKilledOneIsRemovedWhenItsTimeIsOver) {
    supervisor("s1", 4);
    nimbus.submit("wc", 1);
    report(nimbus, "wc", cluster::WorkerState::kRunning);
    nimbus.kill("wc", 1'000);

    run((1'000 + kKillGraceMs) * base::kMicrosPerMilli);

    EXPECT_EQ(nimbus.status("wc"), "none");
}

TEST_F(TopologiesTest, ANewLeaderEndsWhatWasBeingKilled) {
    supervisor("s1", 4);
    nimbus.submit("wc", 1);
    report(nimbus, "wc", cluster::WorkerState::kRunning);
    SimulatedNimbus second(world, "n2:6627");
    nimbus.kill("wc", 20'000);
    nimbus.loop.hold();

    run(10 * kMicrosPerSecond);
    EXPECT_EQ(second.status("wc"), "KILLED");
    run(29 * kMicrosPerSecond);

    EXPECT_EQ(second.status("wc"), "none");
}

/// A kill outlives its leader. Parameter: how far the clock of the next one is ahead.
struct KillTest : TopologiesTest, ::testing::WithParamInterface<std::int64_t> {};

TEST_P(KillTest, WhatTimeOfDayItIsNeitherEndsItsWaitNorDrawsItOut) {
    supervisor("s1", 4);
    nimbus.submit("wc", 1);
    report(nimbus, "wc", cluster::WorkerState::kRunning);
    SimulatedNimbus second(world, "n2:6627");
    nimbus.kill("wc", 20'000);
    nimbus.loop.hold();
    world.wall.ahead_ms = GetParam();

    run(10 * kMicrosPerSecond);
    ASSERT_TRUE(second.topologies.leading());
    EXPECT_EQ(second.status("wc"), "KILLED");
    run(29 * kMicrosPerSecond);

    EXPECT_EQ(second.status("wc"), "none");
}

INSTANTIATE_TEST_SUITE_P(Clocks, KillTest, ::testing::Values(0, 3'600'000, -3'600'000));

TEST_F(TopologiesTest, KillsWithTheTimeoutOfItsMessagesUnlessTold) {
    supervisor("s1", 4);
    nimbus.submit("wc", 1);
    report(nimbus, "wc", cluster::WorkerState::kRunning);

    nimbus.kill("wc", std::nullopt);

    EXPECT_EQ(nimbus.assignment("wc")->kill_wait_ms, 30'000);
}

/// "wc" runs as one worker on the first of two hosts.
struct RebalanceTest : TopologiesTest {
    void SetUp() override {
        supervisor("s1", 2);
        nimbus.submit("wc", 1, 2);
        report(nimbus, "wc", cluster::WorkerState::kRunning);
        supervisor("s2", 2);
    }
    /// Those of its description, by component.
    static std::map<std::string, int> executors(const SimulatedNimbus& of) {
        std::map<std::string, int> all;
        const auto view = of.topologies.topology("wc");
        for (const auto& component : view->description.components)
            all[component.id] = component.executors;
        return all;
    }
};

TEST_F(RebalanceTest, ItDrainsThenItIsSpreadOverTheSlotsThatThereAre) {
    const Assignment before = nimbus.assignment("wc").value();

    EXPECT_EQ(nimbus.rebalance("wc", {.workers = 2}), "");
    EXPECT_EQ(nimbus.status("wc"), "REBALANCING");
    const Assignment drains = nimbus.assignment("wc").value();
    EXPECT_EQ(drains.status, Status::kRebalancing);
    EXPECT_EQ(drains.kill_wait_ms, 30'000) << "the timeout of its messages";
    EXPECT_EQ(drains.workers, before.workers);
    run(5 * kMicrosPerSecond);
    EXPECT_EQ(nimbus.status("wc"), "REBALANCING") << "its worker still drains";

    report(nimbus, "wc", cluster::WorkerState::kRunning, 0);
    EXPECT_EQ(nimbus.status("wc"), "ACTIVE");
    const Assignment after = nimbus.assignment("wc").value();
    EXPECT_EQ(after.status, Status::kActive);
    ASSERT_THAT(after.workers, SizeIs(2));
    EXPECT_NE(after.workers[0].supervisor, after.workers[1].supervisor);
    for (const cluster::WorkerSlot& slot : after.workers) {
        EXPECT_EQ(slot.epoch, after.epoch) << "a new worker, not the former one";
    }
    EXPECT_GT(after.epoch, drains.epoch);
    EXPECT_THAT(after.worker_of_executor, SizeIs(before.worker_of_executor.size()));
}

TEST_F(RebalanceTest, ItIsSpreadAnewWhenItsTimeIsOverWhateverIsLeft) {
    nimbus.rebalance("wc", {}, 1'000);

    run((1'000 + kKillGraceMs) * base::kMicrosPerMilli);

    EXPECT_EQ(nimbus.status("wc"), "ACTIVE");
    EXPECT_EQ(nimbus.assignment("wc")->workers.at(0).epoch, nimbus.assignment("wc")->epoch);
}

TEST_F(RebalanceTest, AComponentGetsTheExecutorsThatAreAskedForWhoeverLeads) {
    SimulatedNimbus second(world, "n2:6627");
    EXPECT_EQ(nimbus.rebalance("wc", {.executors = {{"count", 1}}}), "");
    EXPECT_THAT(executors(nimbus).at("count"), 2) << "while its workers drain";
    report(nimbus, "wc", cluster::WorkerState::kRunning, 0);

    const std::map<std::string, int> expected = {{"count", 1}, {"lines", 2}, {"split", 2}};
    EXPECT_EQ(executors(nimbus), expected);
    EXPECT_THAT(nimbus.assignment("wc")->worker_of_executor, SizeIs(5));
    const auto setting = [](const SimulatedNimbus& of) {
        return of.topologies.topology("wc")->record.settings.at("topology.component.executors");
    };
    EXPECT_EQ(setting(nimbus), R"(["lines=2", "split=2", "count=1"])")
        << "by it workers come to the same numbers";

    nimbus.loop.hold();
    run(10 * kMicrosPerSecond);
    EXPECT_EQ(executors(second), expected);
    report(second, "wc", cluster::WorkerState::kRunning);
    EXPECT_EQ(second.rebalance("wc", {.executors = {{"count", 2}, {"split", 1}}}), "");
    report(second, "wc", cluster::WorkerState::kRunning, 0);
    EXPECT_EQ(executors(second),
              (std::map<std::string, int>{{"count", 2}, {"lines", 2}, {"split", 1}}));
    EXPECT_EQ(setting(second), R"(["lines=2", "split=1", "count=2"])");
}

TEST_F(RebalanceTest, WhatCannotBeIsRefusedAndNothingChanges) {
    const Assignment before = nimbus.assignment("wc").value();

    EXPECT_EQ(nimbus.rebalance("wc", {.executors = {{"cuont", 1}}}),
              "there is no component \"cuont\"; there are \"lines\", \"split\", \"count\"");
    EXPECT_EQ(nimbus.rebalance("wc", {.executors = {{"count", 3}}}),
              "component \"count\" can have 1 to 2 executors, one for each of its tasks");
    EXPECT_EQ(nimbus.rebalance("wc", {.executors = {{"count", 0}}}),
              "component \"count\" can have 1 to 2 executors, one for each of its tasks");
    EXPECT_THAT(nimbus.rebalance("none", {}), HasSubstr("none"));
    EXPECT_EQ(nimbus.assignment("wc"), before);
}

TEST_F(RebalanceTest, WhatFailedWhileItDrainedIsNoLossSinceItMayBeEmittedAgain) {
    const std::string id = nimbus.topologies.topology("wc")->record.id;
    const Assignment before = nimbus.assignment("wc").value();
    nimbus.rebalance("wc", {});
    cluster::SupervisorReport told =
        supervisors[0]->report(before, cluster::WorkerState::kFinished, 0);
    cluster::ComponentReport counts;
    counts.id = "lines";
    counts.losses = {.dropped = 2, .unreplayed = 3};
    told.workers.at(0).report.components = {counts};

    // Once more when others have its place: its Supervisor may not know of them yet.
    for (int i = 0; i < 2; ++i) EXPECT_FALSE(nimbus.topologies.report(told));
    run();

    ASSERT_EQ(nimbus.status("wc"), "ACTIVE");
    EXPECT_EQ(nimbus.topologies.book().totals(*nimbus.assignment("wc")).at("lines").losses,
              cluster::Losses{.dropped = 2});
    for (const auto& error : nimbus.topologies.errors(id))
        EXPECT_THAT(error.error, ::testing::Not(HasSubstr("not emitted again")));
}

TEST_F(RebalanceTest, OneThatZookeeperLosesMeanwhileEndsNoLeader) {
    SimulatedNimbus second(world, "n2:6627");
    const std::string id = nimbus.topologies.topology("wc")->record.id;
    nimbus.rebalance("wc", {.workers = 2, .executors = {{"count", 1}}});
    for (const std::string& path :
         std::vector<std::string>{"names/wc", "topologies/" + id, "assignments/" + id})
        world.server.change({coordination::Remove{"/storm/" + path}});
    nimbus.loop.hold();
    run(10 * kMicrosPerSecond);
    EXPECT_EQ(second.status("wc"), "MISSING");

    run((30'000 + 2 * kKillGraceMs) * base::kMicrosPerMilli);

    EXPECT_EQ(second.status("wc"), "MISSING") << "without a record there is nothing to place";
    EXPECT_EQ(second.kill("wc", 0), "");
}

/// "wc" is so large that its record and assignment just fit; what a rebalance adds does not.
struct LargeRebalanceTest : RebalanceTest {
    void SetUp() override {
        RebalanceTest::SetUp();
        const std::size_t taken = encode(nimbus.topologies.topology("wc")->record).size() +
                                  encode(*nimbus.assignment("wc")).size();
        nimbus.kill("wc", 0);
        report(nimbus, "wc", cluster::WorkerState::kRunning, 0);
        ASSERT_EQ(nimbus.status("wc"), "none");
        id = nimbus.submit("wc", 1, 2, std::string(cluster::kRecordBytesMax - taken - 100, 'x'));
        ASSERT_TRUE(id.starts_with("wc-")) << id;
        report(nimbus, "wc", cluster::WorkerState::kRunning);
    }
    std::string id;
};

TEST_F(LargeRebalanceTest, OneThatBecomesTooLargeRunsWithTheNumbersOfBefore) {
    ASSERT_EQ(nimbus.rebalance("wc", {.workers = 4, .executors = {{"count", 1}}}), "");
    report(nimbus, "wc", cluster::WorkerState::kRunning, 0);
    run(5 * kMicrosPerSecond);

    EXPECT_EQ(nimbus.status("wc"), "ACTIVE");
    EXPECT_EQ(executors(nimbus).at("count"), 2);
    EXPECT_THAT(nimbus.topologies.errors(id).at(0).error, HasSubstr("too large"));
}

TEST_F(LargeRebalanceTest, WhatWasTooLargeInAnEarlierTermIsForgotten) {
    SimulatedNimbus second(world, "n2:6627");
    nimbus.rebalance("wc", {.workers = 4, .executors = {{"count", 1}}});
    EXPECT_FALSE(nimbus.topologies.report(
        supervisors[0]->report(*nimbus.assignment("wc"), cluster::WorkerState::kRunning, 0)));
    while (nimbus.topologies.errors(id).empty()) run(10);
    nimbus.loop.hold();  // It knows that this is too large, and has not tried otherwise yet.
    ASSERT_EQ(nimbus.status("wc"), "ACTIVE");
    run(120 * kMicrosPerSecond);
    ASSERT_EQ(second.status("wc"), "ACTIVE");
    second.loop.hold();
    nimbus.loop.release();
    run(20 * kMicrosPerSecond);
    ASSERT_TRUE(nimbus.topologies.leading());
    report(nimbus, "wc", cluster::WorkerState::kRunning);

    ASSERT_EQ(nimbus.rebalance("wc", {.workers = 2}), "");
    report(nimbus, "wc", cluster::WorkerState::kRunning, 0);

    EXPECT_EQ(nimbus.topologies.topology("wc")->record.settings.at("topology.workers"), "2");
}

TEST_F(RebalanceTest, APausedOneIsPausedAfterwards) {
    nimbus.ask([&](const Answered& done) { nimbus.topologies.deactivate("wc", done); });
    report(nimbus, "wc", cluster::WorkerState::kRunning);
    nimbus.rebalance("wc", {});

    report(nimbus, "wc", cluster::WorkerState::kRunning, 0);

    EXPECT_EQ(nimbus.status("wc"), "INACTIVE");
    EXPECT_EQ(nimbus.assignment("wc")->status, Status::kInactive);
}

TEST_F(RebalanceTest, ANewLeaderEndsOneThatWasBegun) {
    SimulatedNimbus second(world, "n2:6627");
    nimbus.rebalance("wc", {.workers = 2}, 20'000);
    nimbus.loop.hold();

    run(10 * kMicrosPerSecond);
    EXPECT_EQ(second.status("wc"), "REBALANCING");
    report(second, "wc", cluster::WorkerState::kRunning, 0);

    EXPECT_EQ(second.status("wc"), "ACTIVE");
    EXPECT_THAT(second.assignment("wc")->workers, SizeIs(2));
}

TEST_F(RebalanceTest, AKillEndsItForGood) {
    nimbus.rebalance("wc", {.workers = 2});
    EXPECT_EQ(nimbus.kill("wc", 5'000), "");
    EXPECT_EQ(nimbus.status("wc"), "KILLED");

    report(nimbus, "wc", cluster::WorkerState::kRunning, 0);

    EXPECT_EQ(nimbus.status("wc"), "none");
}

TEST_F(RebalanceTest, WithoutAnySlotItWaitsForOne) {
    nimbus.rebalance("wc", {});
    supervisors[0]->loop.hold();
    supervisors[1]->loop.hold();
    run((30'000 + kKillGraceMs) * base::kMicrosPerMilli);
    EXPECT_EQ(nimbus.status("wc"), "ACTIVE");
    EXPECT_THAT(nimbus.assignment("wc")->workers, IsEmpty());

    supervisor("s3", 1);

    EXPECT_THAT(nimbus.assignment("wc")->workers, SizeIs(1));
}

TEST_F(TopologiesTest, AWorkerTellsOfComponentsOfItsOwnTopologyOnceEach) {
    supervisor("s1", 1);
    const std::string id = nimbus.submit("wc", 1);
    cluster::SupervisorReport told =
        supervisors[0]->report(*nimbus.assignment("wc"), cluster::WorkerState::kRunning, 1);
    const std::string own = nimbus.topologies.topology("wc")->description.components.at(0).id;
    cluster::ComponentReport counts;
    counts.executed = 5;
    counts.errors = 1;
    counts.last_errors = {{"an error", 1, 1}};
    for (const std::string& component : {own, own, std::string("made-up")}) {
        counts.id = component;
        told.workers.at(0).report.components.push_back(counts);
    }

    EXPECT_FALSE(nimbus.topologies.report(told));
    run(2 * kErrorsInterval);

    const auto totals = nimbus.topologies.book().totals(*nimbus.assignment("wc"));
    ASSERT_THAT(totals, SizeIs(1));
    EXPECT_EQ(totals.begin()->first, own);
    EXPECT_EQ(totals.begin()->second.executed, 5U);
    EXPECT_THAT(nimbus.topologies.errors(id), SizeIs(1));

    cluster::WorkerStatus& worker = told.workers.at(0);
    worker.exit = "killed by signal 11 (SIGSEGV)";
    for (const std::string& component : {own, std::string("made-up")}) {
        ++worker.restarts;
        worker.last_stderr = {"error: ended by SIGSEGV while it ran the code of \"" + component +
                              "\" (task 7)"};
        EXPECT_FALSE(nimbus.topologies.report(told));
        const cluster::TopologyError crash = nimbus.topologies.errors(id).back();
        EXPECT_EQ(crash.component, component == own ? own : "");
        EXPECT_EQ(crash.task, component == own ? 7U : 0U);
    }
}

TEST_F(TopologiesTest, WhoAsksForWorkersThatThereAreNotKeepsNoOtherFromBeingRemembered) {
    supervisor("s1", 1);
    const std::string id = nimbus.submit("wc", 1);
    for (std::uint32_t made_up = 1; made_up < 10'000; ++made_up) {
        nimbus.topologies.asked(id, made_up);
        nimbus.topologies.asked("t" + std::to_string(made_up), 0);
    }

    nimbus.topologies.asked(id, 0);
    EXPECT_TRUE(nimbus.topologies.is_asking(id, 0));
    EXPECT_FALSE(nimbus.topologies.is_asking(id, 1));
    run(kAskedLately / 2);
    nimbus.topologies.asked(id, 0);
    run(kAskedLately - 1);
    EXPECT_TRUE(nimbus.topologies.is_asking(id, 0));
    run(2);
    EXPECT_FALSE(nimbus.topologies.is_asking(id, 0));
}

TEST_F(TopologiesTest, FinishesWhenEveryWorkerHas) {
    supervisor("s1", 1);
    supervisor("s2", 1);
    nimbus.submit("wc", 2);
    const Assignment running = *nimbus.assignment("wc");
    nimbus.topologies.report(supervisors[0]->report(running, cluster::WorkerState::kFinished, 0));
    run();
    EXPECT_EQ(nimbus.status("wc"), "ACTIVE");

    report(nimbus, "wc", cluster::WorkerState::kFinished, 0);

    EXPECT_EQ(nimbus.status("wc"), "FINISHED");
    EXPECT_THAT(nimbus.assignment("wc")->workers, IsEmpty());
    EXPECT_THAT(nimbus.ask([&](const Answered& done) { nimbus.topologies.activate("wc", done); }),
                "cannot activate it: it is FINISHED");
    EXPECT_EQ(nimbus.submit("next", 2).substr(0, 5), "next-") << "its slots are free";
    EXPECT_THAT(nimbus.assignment("next")->workers, SizeIs(2));
    EXPECT_EQ(nimbus.kill("wc", 0), "");
    EXPECT_EQ(nimbus.status("wc"), "none");
}

TEST_F(TopologiesTest, DeactivatesAndActivatesWithoutMovingAnything) {
    supervisor("s1", 2);
    nimbus.submit("wc", 2);
    const Assignment before = *nimbus.assignment("wc");

    EXPECT_EQ(nimbus.ask([&](const Answered& done) { nimbus.topologies.deactivate("wc", done); }),
              "");

    const Assignment after = *nimbus.assignment("wc");
    EXPECT_EQ(after.status, Status::kInactive);
    EXPECT_EQ(after.workers, before.workers);
    EXPECT_GT(after.epoch, before.epoch);
    EXPECT_EQ(nimbus.ask([&](const Answered& done) { nimbus.topologies.activate("wc", done); }),
              "");
    EXPECT_EQ(nimbus.assignment("wc")->status, Status::kActive);
    EXPECT_EQ(nimbus.ask([&](const Answered& done) { nimbus.topologies.activate("no", done); }),
              "there is no topology \"no\"");
}

TEST_F(TopologiesTest, AWriteWhoseAnswerIsLostIsDoneOnce) {
    supervisor("s1", 4);
    world.server.cut_after_next_multi(nimbus.loop);
    std::string answer = "no answer";
    Submission made;
    made.record.name = "wc";
    made.record.description = tests::describe_json(tests::word_count(1));
    made.record.artifacts = {{"program", std::string(64, 'a'), 0755, 5}};
    made.description = tests::word_count(1);
    nimbus.topologies.submit(std::move(made),
                             [&](const std::string& id, const std::optional<Refusal>& refused) {
                                 answer = refused ? refused->why : id;
                             });
    run();
    world.server.mend(nimbus.loop);
    run(2 * kMicrosPerSecond);

    EXPECT_TRUE(answer.starts_with("wc-1-")) << answer;
    EXPECT_THAT(world.server.children("/storm/topologies"), SizeIs(1));
    EXPECT_EQ(nimbus.status("wc"), "ACTIVE");
}

TEST_F(TopologiesTest, KeepsErrorsOfComponentsWhoeverLeads) {
    supervisor("s1", 4);
    const std::string id = nimbus.submit("wc", 1);
    auto told = supervisors[0]->report(*nimbus.assignment("wc"), cluster::WorkerState::kRunning, 1);
    cluster::ComponentReport component;
    component.id = "split";
    component.errors = 3;
    component.last_errors = {{"older", 1, 2}, {"bad input", 2, 3}};
    told.workers[0].report.components = {component};

    nimbus.topologies.report(told);
    nimbus.topologies.report(told);
    EXPECT_THAT(nimbus.topologies.errors(id), SizeIs(2)) << "at once, though nothing is written";
    run();

    std::vector<cluster::TopologyError> errors = nimbus.topologies.errors(id);
    ASSERT_THAT(errors, SizeIs(2)) << "each is told once";
    EXPECT_EQ(errors[1].component, "split");
    EXPECT_EQ(errors[1].error, "bad input");
    EXPECT_EQ(errors[1].count, 2U);
    EXPECT_EQ(errors[1].task, 3U);
    const std::int64_t first = errors[1].time_ms;

    told.workers[0].report.components[0].last_errors = {{"bad input", 7, 4}, {"older", 3, 2}};
    nimbus.topologies.report(told);
    for (int look = 0; look < 2; ++look) {  // Before it is written, and afterwards.
        errors = nimbus.topologies.errors(id);
        ASSERT_THAT(errors, SizeIs(2)) << "equal ones are one";
        EXPECT_EQ(errors[0].error, "bad input");
        EXPECT_EQ(errors[0].count, 7U);
        EXPECT_EQ(errors[0].first_ms, first);
        EXPECT_GT(errors[0].time_ms, first);
        EXPECT_EQ(errors[0].task, 4U);
        EXPECT_EQ(errors[1].count, 3U);
        run();
    }
}

TEST_F(TopologiesTest, TakesNoReportWhileItFollows) {
    SimulatedNimbus second(world, "n2:6627");
    run();

    EXPECT_TRUE(second.topologies.report({}).has_value());
}

/// "bad", in slot 6700 of s1; its record, or its assignment, is garbage.
struct UnreadableTest : TopologiesTest {
    void put(const std::string& record, const std::string& assignment) {
        ASSERT_EQ(world.server.change({coordination::Create{"/storm/names/bad", "bad-1-1700000000"},
                                       coordination::Create{record_node, record},
                                       coordination::Create{assignment_node, assignment},
                                       coordination::Create{errors_node, ""}}),
                  coordination::CoordinationError::kNone);
    }
    static Assignment taken() {
        Assignment taken;
        taken.topology = "bad-1-1700000000";
        taken.epoch = 7;
        taken.workers = {{0, "s1", "host-s1", 6700, 3}};
        taken.worker_of_executor = {0, 0, 0};
        return taken;
    }
    static cluster::TopologyRecord record() {
        cluster::TopologyRecord made;
        made.id = "bad-1-1700000000";
        made.name = "bad";
        made.description = tests::describe_json(tests::word_count(1));
        made.artifacts = {{"program", std::string(64, 'a'), 0755, 5}};
        made.secret = std::string(32, 's');
        return made;
    }
    void lead_again() {
        nimbus.loop.hold();
        run(10 * kMicrosPerSecond);
        nimbus.loop.release();
        run(5 * kMicrosPerSecond);
        ASSERT_TRUE(nimbus.topologies.leading());
    }

    const std::string record_node = "/storm/topologies/bad-1-1700000000";
    const std::string assignment_node = "/storm/assignments/bad-1-1700000000";
    const std::string errors_node = "/storm/errors/bad-1-1700000000";
};

TEST_F(UnreadableTest, ATopologyThatCannotBeReadIsListedAndKeepsItsSlots) {
    supervisor("s1", 2);
    put("garbage", encode(taken()));
    lead_again();
    SimulatedNimbus second(world, "n2:6627");
    run();

    EXPECT_EQ(nimbus.status("bad"), "UNREADABLE");
    EXPECT_EQ(second.status("bad"), "UNREADABLE") << "any Nimbus says so";
    EXPECT_THAT(nimbus.topologies.problems(), SizeIs(1));
    EXPECT_EQ(nimbus.submit("bad", 1), "there is a topology \"bad\" already");
    nimbus.submit("wc", 2);
    EXPECT_THAT(nimbus.assignment("wc")->workers, SizeIs(1)) << "slot 6700 is taken";
    EXPECT_THAT(nimbus.ask([&](const Answered& done) { nimbus.topologies.activate("bad", done); }),
                HasSubstr("cannot be read"));
    EXPECT_FALSE(nimbus.topologies.all_can_be_read()) << "no blob is swept";
    EXPECT_EQ(world.server.data(record_node), "garbage");
    EXPECT_EQ(world.server.data(assignment_node), encode(taken()));
}

// An operator has copied it, or put an old backup in the wrong place.
TEST_F(UnreadableTest, ARecordInTheNodeOfAnotherEndsNoLeader) {
    supervisor("s1", 2);
    cluster::TopologyRecord other = record();
    other.id = "other-2-1700000000";
    put(encode(other), encode(taken()));

    lead_again();

    EXPECT_EQ(nimbus.topologies.all().size(), 1U);
    EXPECT_EQ(nimbus.topologies.all().front().state, "UNREADABLE");
}

TEST_F(UnreadableTest, ATopologyThatCannotBeReadIsKilledByItsName) {
    supervisor("s1", 2);
    put("garbage", encode(taken()));
    lead_again();
    report(nimbus, "bad", cluster::WorkerState::kRunning);

    EXPECT_EQ(nimbus.kill("bad", 30'000), "");
    const auto killed = cluster::decode<Assignment>(world.server.data(assignment_node));
    ASSERT_TRUE(killed);
    EXPECT_EQ(killed->status, Status::kKilled) << "its workers drain";
    EXPECT_EQ(killed->epoch, 8U);
    lead_again();
    EXPECT_EQ(nimbus.status("bad"), "KILLED");
    report(nimbus, "bad", cluster::WorkerState::kRunning, 0);

    EXPECT_EQ(nimbus.status("bad"), "none");
    for (const char* const folder : {"names", "topologies", "assignments", "errors"}) {
        EXPECT_THAT(world.server.children(std::string("/storm/") + folder), IsEmpty()) << folder;
    }
    EXPECT_TRUE(nimbus.submit("bad", 2).starts_with("bad-2-"));
    EXPECT_THAT(nimbus.assignment("bad")->workers, SizeIs(2));
}

TEST_F(UnreadableTest, OneOfWhichHalfIsGoneIsKilledToo) {
    ASSERT_EQ(world.server.change({coordination::Create{"/storm/names/bad", "bad-1-1700000000"},
                                   coordination::Create{record_node, "garbage"}}),
              coordination::CoordinationError::kNone);
    lead_again();

    EXPECT_EQ(nimbus.kill("bad", 0), "");
    run();

    EXPECT_EQ(nimbus.status("bad"), "none");
    EXPECT_FALSE(world.server.exists(record_node));
    EXPECT_FALSE(world.server.exists("/storm/names/bad"));
}

TEST_F(UnreadableTest, AnAssignmentThatBecomesUnreadableIsWrittenAgain) {
    supervisor("s1", 2);
    const std::string id = nimbus.submit("wc", 1);
    const Assignment before = *nimbus.assignment("wc");
    const std::string path = "/storm/assignments/" + id;

    world.server.change({coordination::SetData{path, "garbage"}});
    run();

    const auto after = cluster::decode<Assignment>(world.server.data(path));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->workers, before.workers);
    EXPECT_EQ(after->worker_of_executor, before.worker_of_executor);
    EXPECT_GT(after->epoch, before.epoch);
    EXPECT_EQ(*after, nimbus.assignment("wc"));
    EXPECT_THAT(nimbus.topologies.errors(id).at(0).error, HasSubstr("could not be read"));
}

TEST_F(UnreadableTest, ARecordThatBecomesUnreadableIsWrittenAgainByWhoWroteIt) {
    const std::string id = nimbus.submit("wc", 1);
    const std::string path = "/storm/topologies/" + id;
    const std::string before = world.server.data(path);

    world.server.change({coordination::SetData{path, "garbage"}});
    run();

    EXPECT_EQ(world.server.data(path), before);
    EXPECT_EQ(nimbus.status("wc"), "ACTIVE");
}

TEST_F(UnreadableTest, ANewLeaderGivesAnUnreadableAssignmentAnEpochThatNoneHadBefore) {
    supervisor("s1", 2);
    put(encode(record()), "garbage");
    lead_again();

    const auto made = cluster::decode<Assignment>(world.server.data(assignment_node));
    ASSERT_TRUE(made);
    EXPECT_THAT(made->workers, SizeIs(1));
    EXPECT_GT(made->epoch, 1'700'000'000U);
    EXPECT_EQ(made->workers.at(0).epoch, made->epoch);
}

TEST_F(UnreadableTest, AnAssignmentThatIsNotThereIsMade) {
    supervisor("s1", 2);
    ASSERT_EQ(world.server.change({coordination::Create{"/storm/names/bad", "bad-1-1700000000"},
                                   coordination::Create{record_node, encode(record())}}),
              coordination::CoordinationError::kNone);
    lead_again();

    ASSERT_TRUE(world.server.exists(assignment_node));
    EXPECT_THAT(cluster::decode<Assignment>(world.server.data(assignment_node))->workers,
                SizeIs(1));
}

TEST_F(UnreadableTest, ASupervisorWhoseRecordCannotBeReadIsThere) {
    supervisor("s1", 1);
    supervisor("s2", 1);
    nimbus.submit("wc", 1);
    run(kReturnGrace);
    const Assignment before = *nimbus.assignment("wc");

    world.server.change(
        {coordination::SetData{"/storm/supervisors/" + before.workers.at(0).supervisor, "of v9"}});
    run(30 * kMicrosPerSecond);

    EXPECT_EQ(nimbus.assignment("wc"), before);
}

TEST_F(TopologiesTest, AnEmptiedZookeeperKillsNothingAndIsTold) {
    supervisor("s1", 2);
    const auto empty = std::make_unique<coordination::MemoryServer>(world.server_loop);
    const std::string id = nimbus.submit("wc", 1);
    EXPECT_THAT(nimbus.topologies.problems(), IsEmpty());

    world.server.become(*empty);
    run(60 * kMicrosPerSecond);

    ASSERT_TRUE(nimbus.topologies.leading()) << "it has connected again, by itself";
    EXPECT_THAT(nimbus.topologies.supervisors(), SizeIs(1)) << "so has the Supervisor";
    EXPECT_EQ(nimbus.status("wc"), "MISSING");
    EXPECT_THAT(nimbus.topologies.problems(), SizeIs(2));
    nimbus.submit("other", 2);
    EXPECT_THAT(nimbus.assignment("other")->workers, SizeIs(1)) << "the slot is taken";
    EXPECT_EQ(nimbus.submit("wc", 1), "there is a topology \"wc\" already");

    EXPECT_EQ(nimbus.kill("wc", 0), "");
    EXPECT_TRUE(world.server.exists("/storm/removed/" + id)) << "by this Supervisors end it";
    EXPECT_EQ(nimbus.status("wc"), "KILLED") << "until they say that they have";
    report(nimbus, "wc", cluster::WorkerState::kRunning, 0);
    EXPECT_EQ(nimbus.status("wc"), "none");
    EXPECT_TRUE(nimbus.submit("wc", 1).starts_with("wc-3-")) << "no id is given twice";
}

/// "wc" runs by what another ZooKeeper had; this one was never told of it.
struct LostTest : TopologiesTest {
    void SetUp() override { supervisor("s1", 2); }
    cluster::SupervisorReport told(std::uint64_t epoch) {
        Assignment last;
        last.topology = "wc-7-1700000000";
        last.epoch = epoch;
        last.workers = {{0, "s1", "host-s1", 6700, epoch}};
        return supervisors[0]->report(last, cluster::WorkerState::kRunning, 1);
    }
};

TEST_F(LostTest, WhatRunsThoughItIsNotInZookeeperIsMissingAndKeepsItsSlot) {
    EXPECT_FALSE(nimbus.topologies.report(told(3)));
    EXPECT_EQ(nimbus.status("wc"), "MISSING");
    EXPECT_THAT(nimbus.topologies.problems(), SizeIs(1));
    nimbus.submit("other", 2);
    EXPECT_THAT(nimbus.assignment("other")->workers,
                ElementsAre(::testing::Field(&cluster::WorkerSlot::port, 6701)));
    EXPECT_FALSE(nimbus.topologies.was_removed("wc-7-1700000000"));

    EXPECT_EQ(nimbus.kill("wc", 0), "");
    EXPECT_TRUE(nimbus.topologies.was_removed("wc-7-1700000000"));
    EXPECT_FALSE(nimbus.topologies.report(told(3)));
    EXPECT_EQ(nimbus.status("wc"), "KILLED");
    cluster::SupervisorReport ended = told(3);
    ended.workers.clear();
    EXPECT_FALSE(nimbus.topologies.report(ended));
    run(2 * kKillNoticed);
    EXPECT_FALSE(nimbus.topologies.report(ended));
    run();
    EXPECT_EQ(nimbus.status("wc"), "none");
    EXPECT_FALSE(nimbus.topologies.report(told(3)));
    EXPECT_EQ(nimbus.status("wc"), "none") << "a late report of it is none of a lost one";
}

TEST_F(LostTest, OfTwoOfOneNameThatWhichZookeeperHasIsMeantUnlessAnIdIsGiven) {
    const std::string id = nimbus.submit("wc", 1);
    EXPECT_FALSE(nimbus.topologies.report(told(3)));
    ASSERT_THAT(nimbus.topologies.all(), SizeIs(2));

    EXPECT_EQ(nimbus.kill("wc-7-1700000000", 0), "");
    EXPECT_TRUE(nimbus.topologies.was_removed("wc-7-1700000000"));
    EXPECT_EQ(nimbus.topologies.all().at(0).record.id, id);
    EXPECT_EQ(nimbus.topologies.all().at(0).state, "ACTIVE");

    EXPECT_EQ(nimbus.kill("wc", 0), "");
    EXPECT_EQ(nimbus.topologies.all().at(0).state, "KILLED");
}

TEST_F(LostTest, AnEpochThatNobodyGaveWedgesNothing) {
    nimbus.submit("wc", 1);
    run(kReturnGrace);
    cluster::SupervisorReport told =
        supervisors[0]->report(*nimbus.assignment("wc"), cluster::WorkerState::kRunning, 1);
    for (const std::uint64_t epoch : {std::uint64_t{0xFFFFFFFF}, ~std::uint64_t{0}}) {
        told.workers.at(0).report.assignment_epoch = epoch;
        EXPECT_FALSE(nimbus.topologies.report(told));
        run();
    }

    EXPECT_EQ(nimbus.kill("wc", 0), "");
    EXPECT_EQ(nimbus.status("wc"), "KILLED");
}

TEST_F(LostTest, ThoseThatAreTakenForMissingAreBounded) {
    cluster::SupervisorReport report = told(1);
    for (std::size_t i = 1; i <= kMissingMax + 10; ++i) {
        cluster::WorkerStatus worker = report.workers[0];
        worker.topology = "t" + std::to_string(i) + "-1-1";
        report.workers.push_back(worker);
    }
    EXPECT_FALSE(nimbus.topologies.report(report));

    EXPECT_THAT(nimbus.topologies.all(), SizeIs(kMissingMax));
}

TEST_F(LostTest, AMarkOfARemovalIsSweptInTheEnd) {
    const std::string id = nimbus.submit("gone", 1);
    nimbus.kill("gone", 0);
    run(2 * kKillNoticed);
    report(nimbus, "gone", cluster::WorkerState::kRunning, 0);
    ASSERT_EQ(nimbus.status("gone"), "none");

    run(kRemovalKept - kRemovalSweep);
    EXPECT_TRUE(world.server.exists("/storm/removed/" + id));
    run(3 * kRemovalSweep);
    EXPECT_FALSE(world.server.exists("/storm/removed/" + id));
    EXPECT_FALSE(nimbus.topologies.was_removed(id));
}

TEST_F(LostTest, AMarkThatSomebodyHasTakenAwayByHandIsForgotten) {
    const std::string id = nimbus.submit("gone", 1);
    nimbus.kill("gone", 0);
    run(2 * kKillNoticed);
    report(nimbus, "gone", cluster::WorkerState::kRunning, 0);
    ASSERT_TRUE(nimbus.topologies.was_removed(id));
    run(2 * kRemovalSweep);
    ASSERT_TRUE(nimbus.topologies.was_removed(id)) << "it is there";

    world.server.change({coordination::Remove{"/storm/removed/" + id}});
    run(2 * kRemovalSweep);

    EXPECT_FALSE(nimbus.topologies.was_removed(id));
}

TEST_F(LostTest, WhereZookeeperHasAnOlderAssignmentWhatRunsCounts) {
    const std::string id = nimbus.submit("wc", 1);
    run(kReturnGrace);
    Assignment runs = *nimbus.assignment("wc");
    ASSERT_EQ(runs.workers.at(0).port, 6700);
    // As an older copy of ZooKeeper's data makes it look: it had moved since. Some of the seconds
    // since 1970 have 32 bits: it had been lost before, too.
    runs.epoch = 4'000'000'000;
    runs.workers.at(0).port = 6701;
    runs.workers.at(0).epoch = runs.epoch - 1;
    cluster::SupervisorReport told =
        supervisors[0]->report(runs, cluster::WorkerState::kRunning, 1);
    told.workers.at(0).report.assignment_epoch = runs.epoch;

    EXPECT_FALSE(nimbus.topologies.report(told));
    run();

    EXPECT_EQ(nimbus.assignment("wc")->workers, runs.workers);
    EXPECT_EQ(nimbus.assignment("wc")->epoch, runs.epoch + 1) << "no epoch is given twice";
    EXPECT_THAT(nimbus.topologies.errors(id).at(0).error,
                HasSubstr("it was older than what its workers run by"));
}

TEST_F(LostTest, WhatRunsIsAskedForOnlyWhenAllCanHaveTold) {
    nimbus.submit("wc", 1);
    run(kReturnGrace);
    Assignment runs = *nimbus.assignment("wc");
    const Assignment before = runs;
    nimbus.topologies.connection_lost();
    runs.epoch += 5;
    runs.workers.at(0).epoch = runs.epoch;

    EXPECT_FALSE(
        nimbus.topologies.report(supervisors[0]->report(runs, cluster::WorkerState::kRunning, 1)));
    run(kReturnGrace - 2 * kMicrosPerSecond);
    nimbus.submit("other", 1);  // Decisions about others are made meanwhile.
    EXPECT_EQ(nimbus.assignment("wc"), before);
    run(3 * kMicrosPerSecond);

    EXPECT_EQ(nimbus.assignment("wc")->workers, runs.workers);
}

TEST_F(TopologiesTest, WhatWasSubmittedRightBeforeZookeeperWasEmptiedIsMissingToo) {
    const auto empty = std::make_unique<coordination::MemoryServer>(world.server_loop);
    Submission made;
    made.record.name = "wc";
    made.record.description = tests::describe_json(tests::word_count(1));
    made.record.artifacts = {{"program", std::string(64, 'a'), 0755, 5}};
    made.description = tests::word_count(1);
    nimbus.topologies.submit(std::move(made),
                             [&](const std::string&, const std::optional<Refusal>& refused) {
                                 EXPECT_FALSE(refused);
                                 world.server.become(*empty);
                             });

    run(60 * kMicrosPerSecond);

    EXPECT_EQ(nimbus.status("wc"), "MISSING");
}

TEST_F(TopologiesTest, WhoeverLeadsAnEmptiedZookeeperSaysWhatIsMissing) {
    supervisor("s1", 2);
    const auto empty = std::make_unique<coordination::MemoryServer>(world.server_loop);
    nimbus.submit("wc", 1);
    SimulatedNimbus second(world, "n2:6627");
    run();

    world.server.become(*empty);
    nimbus.loop.hold();
    run(60 * kMicrosPerSecond);

    ASSERT_TRUE(second.topologies.leading());
    EXPECT_EQ(second.status("wc"), "MISSING");
    EXPECT_THAT(second.topologies.problems(), SizeIs(2));
}

TEST_F(TopologiesTest, AZookeeperRestoredFromABackupKillsNothing) {
    supervisor("s1", 4);
    nimbus.submit("old", 1);
    nimbus.submit("gone", 1);
    const auto backup = world.server.backup();
    nimbus.submit("new", 1);
    EXPECT_EQ(nimbus.kill("gone", 0), "");
    run(2 * kKillNoticed);
    report(nimbus, "old", cluster::WorkerState::kRunning);
    ASSERT_EQ(nimbus.status("gone"), "none");

    world.server.become(*backup);
    run(60 * kMicrosPerSecond);

    EXPECT_EQ(nimbus.status("old"), "ACTIVE");
    EXPECT_EQ(nimbus.status("new"), "MISSING");
    EXPECT_EQ(nimbus.status("gone"), "ACTIVE") << "as the backup has it";
}

TEST_F(TopologiesTest, AnOutageOrAnotherLeaderIsNotTakenForALoss) {
    supervisor("s1", 4);
    nimbus.submit("wc", 1);
    nimbus.submit("gone", 1);
    SimulatedNimbus second(world, "n2:6627");
    run();
    nimbus.loop.hold();
    run(kSessionTimeout + 3 * kMicrosPerSecond);
    ASSERT_TRUE(second.topologies.leading());
    second.kill("gone", 0);
    run(kKillGraceMs * base::kMicrosPerMilli + kMicrosPerSecond);
    ASSERT_EQ(second.status("gone"), "none");
    second.loop.hold();
    nimbus.loop.release();
    run(20 * kMicrosPerSecond);

    ASSERT_TRUE(nimbus.topologies.leading());
    EXPECT_EQ(nimbus.status("gone"), "none");
    EXPECT_EQ(nimbus.status("wc"), "ACTIVE");
    EXPECT_THAT(nimbus.topologies.problems(), IsEmpty());
}

/// "wc" has a worker on each of two Supervisors, and there is no other slot.
struct NoSpareSlotTest : TopologiesTest {
    void SetUp() override {
        supervisor("s1", 1);
        supervisor("s2", 1);
        nimbus.submit("wc", 2);
        run(kReturnGrace);
        before = *nimbus.assignment("wc");
        ASSERT_THAT(before.workers, SizeIs(2));
    }
    void go_away() {
        supervisors[1]->loop.hold();
        world.server.expire(supervisors[1]->loop);
    }
    void come_back() {
        supervisors[1]->loop.release();
        run();
    }
    Assignment before;
};

TEST_F(NoSpareSlotTest, AHostThatIsLostForAWhileStartsNoHealthyWorkerAnew) {
    go_away();
    run(kShrinkAfter - kMicrosPerSecond);

    EXPECT_EQ(nimbus.assignment("wc"), before);
    EXPECT_THAT(nimbus.topologies.all().at(0).notes,
                ElementsAre("worker 1 waits for supervisor \"s2\" on host-s2 to return"));
    come_back();
    run(2 * kSteadyAfter);
    EXPECT_EQ(nimbus.assignment("wc"), before);
}

TEST_F(NoSpareSlotTest, AHostThatStaysAwayIsReplacedByThoseThatAreLeft) {
    go_away();
    run(kShrinkAfter + kMicrosPerSecond);

    EXPECT_THAT(nimbus.assignment("wc")->workers, SizeIs(1));
    EXPECT_EQ(nimbus.assignment("wc")->epoch, before.epoch + 1);
}

TEST_F(NoSpareSlotTest, AHostThatComesAndGoesStartsHealthyWorkersAnewOnce) {
    for (int i = 0; i < 5; ++i) {
        go_away();
        run(kShrinkAfter + 5 * kMicrosPerSecond);
        come_back();
        run(kSteadyAfter - 10 * kMicrosPerSecond);
    }
    EXPECT_EQ(nimbus.assignment("wc")->epoch, before.epoch + 1);
    EXPECT_THAT(nimbus.topologies.all().at(0).notes, Contains(HasSubstr("came back a moment ago")));

    run(kSteadyAfter);
    EXPECT_THAT(nimbus.assignment("wc")->workers, SizeIs(2)) << "once it stays";
}

TEST_F(NoSpareSlotTest, ANewHostIsUsedAtOnce) {
    go_away();
    run(5 * kMicrosPerSecond);
    supervisor("s3", 1);

    EXPECT_EQ(nimbus.assignment("wc")->workers.at(0), before.workers.at(0));
    EXPECT_EQ(nimbus.assignment("wc")->workers.at(1).supervisor, "s3");
}

TEST_F(TopologiesTest, ASupervisorThatIsRestartedInOrderKeepsItsWorkers) {
    supervisor("s1", 4);
    supervisor("s2", 4);
    nimbus.submit("wc", 2);
    run(kReturnGrace);
    const Assignment before = *nimbus.assignment("wc");
    supervisors[0]->loop.hold();  // It is we who take its node, and put it back.
    for (base::Micros since = 0; since < kAliveUntilGone; since += kMicrosPerSecond / 2) {
        report(nimbus, "wc", cluster::WorkerState::kRunning);
        run(since);
        world.server.change({coordination::Remove{"/storm/supervisors/s1"}});
        run(2 * kMicrosPerSecond);
        EXPECT_EQ(nimbus.assignment("wc"), before) << "last report " << since << " us before";
        world.server.change(
            {coordination::Create{"/storm/supervisors/s1", encode(supervisors[0]->record)}});
        run();
    }
    EXPECT_EQ(nimbus.assignment("wc"), before);
    report(nimbus, "wc", cluster::WorkerState::kRunning);
    world.server.change({coordination::Remove{"/storm/supervisors/s1"}});
    run(kTaskTimeout + kMicrosPerSecond);
    EXPECT_NE(nimbus.assignment("wc"), before) << "it does not come back";
}

TEST_F(TopologiesTest, OneThatIsKilledWhileItStartsDrains) {
    supervisor("s1", 4);
    SimulatedSupervisor& s1 = *supervisors[0];
    nimbus.topologies.report(s1.report({}, cluster::WorkerState::kRunning, 1));
    nimbus.submit("wc", 1);

    EXPECT_EQ(nimbus.kill("wc", 30'000), "");
    EXPECT_EQ(nimbus.status("wc"), "KILLED") << "what was told before it came proves nothing";
    report(nimbus, "wc", cluster::WorkerState::kStarting, 0);
    EXPECT_EQ(nimbus.status("wc"), "KILLED") << "it is about to start";
    report(nimbus, "wc", cluster::WorkerState::kRunning, 7);
    EXPECT_EQ(nimbus.status("wc"), "KILLED");

    nimbus.topologies.report(s1.report({}, cluster::WorkerState::kRunning, 1));
    run();
    EXPECT_EQ(nimbus.status("wc"), "none") << "it was there, and is no longer";
    EXPECT_EQ(nimbus.topologies.may_still_run("wc"), "");
}

TEST_F(TopologiesTest, OneThatIsKilledBeforeItStartsIsGoneWithTheNextReport) {
    supervisor("s1", 4);
    nimbus.submit("wc", 1);
    nimbus.kill("wc", 30'000);
    run(2 * kKillNoticed);

    nimbus.topologies.report(supervisors[0]->report({}, cluster::WorkerState::kRunning, 1));
    run();

    EXPECT_EQ(nimbus.status("wc"), "none");
}

TEST_F(TopologiesTest, SaysWhatMayStillRunOfWhatWasKilled) {
    supervisor("s1", 4);
    nimbus.submit("wc", 1);
    report(nimbus, "wc", cluster::WorkerState::kRunning);
    run(kReturnGrace);
    supervisors[0]->loop.hold();
    run(kSessionTimeout + kTaskTimeout + kMicrosPerSecond);

    EXPECT_EQ(nimbus.kill("wc", 0), "");
    run();

    EXPECT_EQ(nimbus.status("wc"), "none");
    EXPECT_EQ(nimbus.topologies.may_still_run("wc"), "worker 0 on host-s1:6700");
    nimbus.submit("wc", 1);
    EXPECT_EQ(nimbus.topologies.may_still_run("wc"), "");
}

TEST_F(TopologiesTest, ASupervisorThatNoLongerReportsIsLostThoughItsSessionLives) {
    supervisor("s1", 4);
    supervisor("s2", 4);
    supervisor("s3", 4);
    nimbus.submit("wc", 1);
    run(kReturnGrace);
    const Assignment before = *nimbus.assignment("wc");
    const std::string mute = before.workers.at(0).supervisor;
    const auto all_but_it_report = [&](base::Micros duration) {
        for (base::Micros done = 0; done < duration; done += kMicrosPerSecond) {
            for (const auto& each : supervisors) {
                if (each->record.id == mute) continue;
                nimbus.topologies.report(
                    each->report(*nimbus.assignment("wc"), cluster::WorkerState::kRunning, 1));
            }
            run();
        }
    };
    report(nimbus, "wc", cluster::WorkerState::kRunning);

    all_but_it_report(kReportsUnknown + kMicrosPerSecond);
    EXPECT_TRUE(nimbus.topologies.is_silent(mute));
    EXPECT_TRUE(nimbus.topologies.is_present(mute));
    EXPECT_EQ(nimbus.assignment("wc"), before);
    all_but_it_report(kReportsLost);
    EXPECT_FALSE(nimbus.topologies.is_present(mute));
    EXPECT_NE(nimbus.assignment("wc")->workers.at(0).supervisor, mute);

    report(nimbus, "wc", cluster::WorkerState::kRunning);
    run(2 * kReportsLook);
    EXPECT_TRUE(nimbus.topologies.is_present(mute)) << "it speaks again";
}

TEST_F(TopologiesTest, IfNoSupervisorReportsItIsNotTheyWhoAreLost) {
    supervisor("s1", 4);
    supervisor("s2", 4);
    supervisor("s3", 4);
    nimbus.submit("wc", 3);
    const Assignment before = *nimbus.assignment("wc");

    run(3 * kReportsLost);

    EXPECT_EQ(nimbus.assignment("wc"), before);
}

}  // namespace
}  // namespace storm::nimbus

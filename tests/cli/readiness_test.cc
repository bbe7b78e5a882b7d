// When a submitted topology is said to run. Method: its status as Nimbus tells it, at given times.
#include "cli/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/limits.h"

namespace storm::cli {
namespace {

using ::testing::HasSubstr;
using Verdict = Readiness::Verdict;

Json topology(const char* status, int prepared, std::uint64_t emitted, std::uint64_t executed) {
    return {{"status", status},
            {"executors", {{"total", 3}, {"assigned", 3}, {"prepared", prepared}}},
            {"unassigned", Json::array()},
            {"components",
             {{{"id", "lines"}, {"type", "spout"}, {"emitted", emitted}, {"executed", 0}},
              {{"id", "count"}, {"type", "bolt"}, {"emitted", 0}, {"executed", executed}}}},
            {"workers", {{{"id", 0}, {"host", "h"}, {"port", 1}, {"state", "RUNNING"}}}}};
}

TEST(Readiness, RunsWhenAllIsPreparedAndABoltHasExecuted) {
    EXPECT_EQ(ReadinessWatch().look(topology("ACTIVE", 2, 1, 1), 0).verdict, Verdict::kWait);
    EXPECT_EQ(ReadinessWatch().look(topology("ACTIVE", 3, 1, 0), 0).verdict, Verdict::kWait);
    EXPECT_EQ(ReadinessWatch().look(topology("ACTIVE", 3, 1, 1), 0).verdict, Verdict::kReady);
}

TEST(Readiness, AnInactiveOneNeedsNoTuple) {
    EXPECT_EQ(ReadinessWatch().look(topology("INACTIVE", 2, 0, 0), 0).verdict, Verdict::kWait);
    EXPECT_EQ(ReadinessWatch().look(topology("INACTIVE", 3, 0, 0), 0).verdict, Verdict::kReady);
}

TEST(Readiness, ASilentSourceIsIdleAfterAWhileSinceAllWasPrepared) {
    ReadinessWatch watch;

    EXPECT_EQ(watch.look(topology("ACTIVE", 2, 0, 0), 0).verdict, Verdict::kWait);
    EXPECT_EQ(watch.look(topology("ACTIVE", 3, 0, 0), 1'000).verdict, Verdict::kWait);
    EXPECT_EQ(watch.look(topology("ACTIVE", 3, 0, 0), kIdleMicros).verdict, Verdict::kWait);
    const Readiness idle = watch.look(topology("ACTIVE", 3, 0, 0), kIdleMicros + 1'000);

    EXPECT_EQ(idle.verdict, Verdict::kReady);
    EXPECT_THAT(idle.why, HasSubstr("idle"));
}

TEST(Readiness, WhatIsEmittedAndNeverArrivesIsNotIdle) {
    ReadinessWatch watch;
    watch.look(topology("ACTIVE", 3, 5, 0), 0);

    const Readiness found = watch.look(topology("ACTIVE", 3, 5, 0), 100 * kIdleMicros);

    EXPECT_EQ(found.verdict, Verdict::kWait);
    EXPECT_THAT(found.why, HasSubstr("no bolt has executed"));
}

TEST(Readiness, WaitsAsLongAsEachTupleFails) {
    Json topology_now = topology("ACTIVE", 3, 5, 5);
    topology_now["components"][1]["failed"] = 5;

    const Readiness found = ReadinessWatch().look(topology_now, 0);

    EXPECT_EQ(found.verdict, Verdict::kWait);
    EXPECT_THAT(found.why, HasSubstr("has failed; storm errors says why"));
    topology_now["components"][1]["failed"] = 4;
    EXPECT_EQ(ReadinessWatch().look(topology_now, 0).verdict, Verdict::kReady);
}

TEST(Readiness, AWorkerThatStartsAgainStartsTheWaitForIdlenessAgain) {
    ReadinessWatch watch;
    watch.look(topology("ACTIVE", 3, 0, 0), 0);
    watch.look(topology("ACTIVE", 2, 0, 0), 1);

    EXPECT_EQ(watch.look(topology("ACTIVE", 3, 0, 0), kIdleMicros).verdict, Verdict::kWait);
}

TEST(Readiness, SpoutsAloneNeedOnlyBePrepared) {
    Json alone = topology("ACTIVE", 3, 0, 0);
    alone["components"].erase(1);

    EXPECT_EQ(ReadinessWatch().look(alone, 0).verdict, Verdict::kReady);
}

TEST(Readiness, OneThatHasFinishedRan) {
    EXPECT_EQ(ReadinessWatch().look(topology("FINISHED", 0, 9, 9), 0).verdict, Verdict::kReady);
}

TEST(Readiness, OneThatHasFinishedWithLossesFails) {
    Json lossy = topology("FINISHED", 0, 9, 9);
    lossy["losses"] = {{{"component", "lines"}, {"what", "3 tuples were lost"}, {"hint", "look"}}};

    const Readiness found = ReadinessWatch().look(lossy, 0);

    EXPECT_EQ(found.verdict, Verdict::kFailed);
    EXPECT_EQ(found.why, "finished, but 3 tuples were lost\n  hint: look\n");
}

TEST(Readiness, OneThatIsKilledMeanwhileFails) {
    EXPECT_EQ(ReadinessWatch().look(topology("KILLED", 3, 9, 9), 0).verdict, Verdict::kFailed);
}

TEST(Readiness, TellsWhyExecutorsHaveNoPlace) {
    Json waiting = topology("ACTIVE", 0, 0, 0);
    waiting["unassigned"] = {"no free slot: 4 wanted, 2 free on 1 supervisor"};

    EXPECT_THAT(ReadinessWatch().look(waiting, 0).why,
                HasSubstr("no free slot: 4 wanted, 2 free on 1 supervisor\n"));
}

TEST(Readiness, ACrashLoopFailsAtOnceWithItsLastWords) {
    Json looping = topology("ACTIVE", 0, 0, 0);
    looping["workers"] = {{{"id", 1},
                           {"host", "alpha"},
                           {"port", 6700},
                           {"state", "CRASH_LOOP"},
                           {"exit", "exited with 1"},
                           {"last_stderr", {"cannot open database"}}}};

    const Readiness found = ReadinessWatch().look(looping, 0);

    EXPECT_EQ(found.verdict, Verdict::kFailed);
    EXPECT_EQ(found.why,
              "worker 1 on alpha:6700 is CRASH_LOOP, exited with 1\n    cannot open database\n");
}

TEST(Readiness, TellsWhyAWorkerCannotBeStarted) {
    Json waiting = topology("ACTIVE", 0, 0, 0);
    waiting["workers"] = {{{"id", 1},
                           {"host", "alpha"},
                           {"port", 6700},
                           {"state", "BACK_OFF"},
                           {"exit", ""},
                           {"failure", "cannot start it: cannot download artifact"}}};

    EXPECT_THAT(ReadinessWatch().look(waiting, 0).why,
                HasSubstr("worker 1 on alpha:6700 is BACK_OFF\n"
                          "    cannot start it: cannot download artifact\n"));
}

TEST(Readiness, AnythingElseThanAStatusIsNotReady) {
    EXPECT_EQ(ReadinessWatch().look(Json::object(), 0).verdict, Verdict::kWait);
    EXPECT_EQ(ReadinessWatch().look(Json::array(), 0).verdict, Verdict::kWait);
}

}  // namespace
}  // namespace storm::cli

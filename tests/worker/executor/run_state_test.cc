// Goal:   a run is over when every task has ended, and whoever has to look again is told.
// Method: one thread; the engine's tests have the rest.

#include "worker/executor/run_state.h"

#include <gtest/gtest.h>

namespace storm::worker {
namespace {

struct RunStateTest : ::testing::Test {
    using State = RunState::State;

    RunState run;
    int changes = 0;
    int wakes = 0;

    void SetUp() override {
        run.on_change([this] { ++changes; });
        run.wake_loops_with([this] { ++wakes; });
        run.expect(true, 1);   // A spout,
        run.expect(false, 2);  // and a bolt of two tasks.
    }
    State state() { return run.wait(0); }
};

TEST_F(RunStateTest, AllIsPreparedOnceTheBoltsAreAndTheLoopsRun) {
    run.executor_opened(false);
    EXPECT_FALSE(run.prepared());
    run.started();
    EXPECT_TRUE(run.prepared());
    EXPECT_TRUE(run.opening()) << "the spout";
    EXPECT_EQ(wakes, 1);
    EXPECT_EQ(changes, 1);

    run.executor_opened(true);
    EXPECT_FALSE(run.opening());
}

TEST_F(RunStateTest, ItHasFinishedWhenTheLastTaskEnds) {
    run.task_ended();
    run.task_ended();
    EXPECT_EQ(state(), State::kRunning);
    run.task_ended();
    EXPECT_EQ(state(), State::kFinished);
    EXPECT_EQ(changes, 1);
}

TEST_F(RunStateTest, ATaskThatIsReopenedLetsItGoOn) {
    for (int i = 0; i < 3; ++i) run.task_ended();
    run.task_reopened();
    EXPECT_EQ(state(), State::kRunning);
    run.task_ended();
    EXPECT_EQ(state(), State::kFinished);
}

TEST_F(RunStateTest, AFailureEndsItAtOnceAndTheFirstReasonStays) {
    run.fail("the first");
    run.fail("the second");
    EXPECT_EQ(state(), State::kFailed);
    EXPECT_EQ(run.failure(), "the first");
    EXPECT_TRUE(run.halted());
    EXPECT_EQ(wakes, 2);
}

TEST_F(RunStateTest, AFailureForTheEndWaitsForIt) {
    run.fail_at_end("finish() failed");
    EXPECT_EQ(state(), State::kRunning);
    for (int i = 0; i < 3; ++i) run.task_ended();
    EXPECT_EQ(state(), State::kFailed);
}

TEST_F(RunStateTest, NoSpoutIsActiveWhileAllDrains) {
    EXPECT_TRUE(run.spouts_active());
    EXPECT_TRUE(run.set_active(false));
    EXPECT_FALSE(run.set_active(false)) << "that is not new";
    EXPECT_FALSE(run.spouts_active());
    EXPECT_TRUE(run.set_active(true));
    run.drain();
    EXPECT_FALSE(run.spouts_active());
}

}  // namespace
}  // namespace storm::worker

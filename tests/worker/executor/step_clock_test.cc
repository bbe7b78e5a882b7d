// Goal:   a step ends soon after its 200 us, however long calls take, and the clock is rarely read
//         when they are short.
// Method: a clock that calls of user code move on.

#include "worker/executor/step_clock.h"

#include <cstdint>

#include <gtest/gtest.h>

#include "base/clock.h"

namespace storm::worker {
namespace {

class Nanoseconds final : public base::Clock {
public:
    base::Micros now() const override {
        ++reads;
        return nanos / 1'000;
    }

    mutable int reads = 0;
    std::int64_t nanos = 0;
};

struct StepClockTest : ::testing::Test {
    Nanoseconds time;
    StepClock clock{time};

    /// Steps whose calls take `nanos` each; returns how long the last one took.
    std::int64_t step(std::int64_t nanos, int steps = 1) {
        std::int64_t took = 0;
        for (int i = 0; i < steps; ++i) {
            const std::int64_t start = time.nanos;
            clock.start(time.nanos / 1'000);
            do {
                time.nanos += nanos;
            } while (!clock.over());
            took = time.nanos - start;
        }
        return took;
    }
};

TEST_F(StepClockTest, AStepOfShortCallsTakesItsTimeAndLittleMore) {
    for (const std::int64_t nanos : {5, 50, 500, 5'000}) {
        step(nanos, 20);  // It gets used to them.
        EXPECT_GE(step(nanos), (kStepMicros - 1) * 1'000) << nanos;
        EXPECT_LE(step(nanos), kStepMicros * 1'000 * 5 / 4 + 1'000) << nanos;
    }
}

TEST_F(StepClockTest, AStepOfLongCallsEndsWithTheFirst) {
    step(1'000'000, 20);

    EXPECT_EQ(step(1'000'000), 1'000'000);
}

TEST_F(StepClockTest, AStepThatIsHurriedEndsWithThePresentCallIfItHasTakenLong) {
    step(5, 20);
    clock.start(time.nanos / 1'000);
    for (int i = 0; i < 10; ++i) {
        time.nanos += 1'000'000;  // From now on each call takes 1 ms.
        ASSERT_FALSE(clock.over()) << "it does not look yet";
    }
    clock.hurry();
    time.nanos += 1'000'000;
    EXPECT_TRUE(clock.over());

    step(5, 20);
    clock.start(time.nanos / 1'000);
    clock.hurry();
    time.nanos += 5;
    EXPECT_FALSE(clock.over()) << "it has not taken long";
}

TEST_F(StepClockTest, TheClockIsReadRarelyWhenCallsAreShort) {
    step(20, 20);
    time.reads = 0;

    step(20, 10);  // 100,000 calls.

    EXPECT_LE(time.reads, 1'000);
}

TEST_F(StepClockTest, TheFirstCallOfAllIsFollowedByALook) {
    clock.start(0);
    time.nanos = 1'000'000;

    EXPECT_TRUE(clock.over());
}

TEST_F(StepClockTest, CallsThatBecomeLongHoldUpOneStepAndNotTheNextOnes) {
    step(10, 100);
    step(100'000);  // All calls until the next look: it could not know.

    EXPECT_LE(step(100'000), 2 * kStepMicros * 1'000);
}

TEST_F(StepClockTest, ItKnowsTheTimeOfItsLastLook) {
    clock.start(5);
    EXPECT_EQ(clock.now(), 5);
    time.nanos = 50'000;

    EXPECT_TRUE(clock.looks());
    EXPECT_EQ(clock.now(), 50);
    EXPECT_FALSE(clock.was_over());
}

}  // namespace
}  // namespace storm::worker

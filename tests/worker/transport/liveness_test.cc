// Goal:   a peer is given up when nothing comes, or when what has begun does not end; never else.
// Method: simulated time.

#include "worker/transport/liveness.h"

#include <gtest/gtest.h>

namespace storm::worker {
namespace {

constexpr base::Micros kSilence = 3 * base::kMicrosPerSecond;

struct LivenessTest : ::testing::Test {
    Liveness liveness;
    Liveness::Heard heard;

    void SetUp() override { liveness.begin(0, heard); }
    bool lives(base::Micros now) { return liveness.look(now, heard, kSilence) == nullptr; }
};

TEST_F(LivenessTest, WhoSaysNothingIsGivenUpWhenTheSilenceIsOver) {
    EXPECT_TRUE(lives(kSilence - 1));
    EXPECT_FALSE(lives(kSilence));
}

TEST_F(LivenessTest, AnyByteBreaksTheSilence) {
    ++heard.bytes;
    EXPECT_TRUE(lives(kSilence));
    EXPECT_TRUE(lives(2 * kSilence - 1));
    EXPECT_FALSE(lives(2 * kSilence));
}

TEST_F(LivenessTest, AFrameThatDoesNotEndIsGivenUpThoughBytesCome) {
    heard.in_frame = true;
    for (base::Micros now = 0; now < kFrameMicros; now += kSilence / 2) {
        ++heard.bytes;
        EXPECT_TRUE(lives(now));
    }
    ++heard.bytes;
    EXPECT_FALSE(lives(kFrameMicros));
}

TEST_F(LivenessTest, AFrameAfterTheOtherMayGoOnForEver) {
    heard.in_frame = true;
    for (base::Micros now = 0; now < 10 * kFrameMicros; now += kSilence / 2) {
        ++heard.bytes;
        ++heard.frames;
        EXPECT_TRUE(lives(now));
    }
}

TEST_F(LivenessTest, WhoWasNotListenedToIsExcused) {
    heard.in_frame = true;
    liveness.excuse(2 * kFrameMicros);
    EXPECT_TRUE(lives(2 * kFrameMicros + kSilence - 1));
    EXPECT_FALSE(lives(2 * kFrameMicros + kSilence));
}

TEST_F(LivenessTest, NewsAreTheBytesSinceTheLastLook) {
    heard.bytes = 7;
    EXPECT_EQ(liveness.news(heard.bytes), 7);
    EXPECT_TRUE(lives(1));
    EXPECT_EQ(liveness.news(heard.bytes), 0);
}

}  // namespace
}  // namespace storm::worker

// Goal:   a worker ends when it is told that it is not wanted, or, with a limit, when nobody has
//         vouched for it for so long; never otherwise, and never later.
// Method: the machine with times of ours; then all orders of what may happen in each of six
// seconds,
//         against a plain account of them.

#include "worker/serve/lease.h"

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace storm::worker {
namespace {

using base::Micros;
using cluster::LeaseHolder;
using Answer = Lease::Answer;

constexpr Micros kSecond = base::kMicrosPerSecond;
constexpr Micros kBegin = 1000 * kSecond;  // Clocks do not begin at 0.

// Asks when it may, and is answered at once.
void step(Lease& lease, Micros now, Answer answer) {
    if (lease.ask(now)) lease.answered(answer);
}

TEST(Lease, IsHeldByTheSupervisorAsLongAsItVouches) {
    Lease lease(0, kBegin);

    for (Micros now = kBegin; now < kBegin + 60 * kSecond; now += kSecond) {
        lease.vouched(now);
        EXPECT_FALSE(lease.ask(now));
        EXPECT_EQ(lease.holder(now), LeaseHolder::kSupervisor);
    }
}

TEST(Lease, AsksOnceASecondWhenTheSupervisorIsSilent) {
    Lease lease(0, kBegin);
    lease.vouched(kBegin);
    EXPECT_FALSE(lease.ask(kBegin + kAskAfter - 1));

    int asked = 0;
    for (Micros now = kBegin + kAskAfter; now < kBegin + kAskAfter + 10 * kSecond;
         now += kSecond / 10) {
        if (!lease.ask(now)) continue;
        ++asked;
        lease.answered(Answer::kYours);
    }

    EXPECT_EQ(asked, 10);
}

TEST(Lease, AsksAlsoAfterASupervisorThatNeverSpoke) {
    Lease lease(0, kBegin);

    EXPECT_FALSE(lease.ask(kBegin + kAskAfter - 1));
    EXPECT_TRUE(lease.ask(kBegin + kAskAfter));
}

TEST(Lease, AsksNothingWhileAQuestionIsUnderWay) {
    Lease lease(0, kBegin);
    ASSERT_TRUE(lease.ask(kBegin + kAskAfter));

    EXPECT_FALSE(lease.ask(kBegin + 60 * kSecond));
    lease.answered(Answer::kNone);
    EXPECT_TRUE(lease.ask(kBegin + 60 * kSecond));
}

TEST(Lease, WithoutALimitSilenceEndsNothing) {
    Lease lease(0, kBegin);

    for (Micros now = kBegin; now < kBegin + 3600 * kSecond; now += kSecond) {
        step(lease, now, Answer::kNone);
        EXPECT_EQ(lease.over(now), "");
    }

    EXPECT_EQ(lease.holder(kBegin + 3600 * kSecond), LeaseHolder::kNobody);
    EXPECT_TRUE(lease.may_begin());
}

TEST(Lease, WithALimitSilenceEndsItThen) {
    Lease lease(20 * kSecond, kBegin);
    lease.vouched(kBegin + kSecond);

    EXPECT_EQ(lease.over(kBegin + 21 * kSecond - 1), "");
    EXPECT_NE(lease.over(kBegin + 21 * kSecond), "");
}

TEST(Lease, WithALimitNothingBeginsBeforeSomebodyHasVouched) {
    Lease by_supervisor(20 * kSecond, kBegin);
    EXPECT_FALSE(by_supervisor.may_begin());
    by_supervisor.vouched(kBegin + 1);
    EXPECT_TRUE(by_supervisor.may_begin());

    Lease by_nimbus(20 * kSecond, kBegin);
    step(by_nimbus, kBegin + kAskAfter, Answer::kNone);
    EXPECT_FALSE(by_nimbus.may_begin());
    step(by_nimbus, kBegin + kAskAfter + kSecond, Answer::kYours);
    EXPECT_TRUE(by_nimbus.may_begin());

    Lease by_nobody(20 * kSecond, kBegin);
    EXPECT_NE(by_nobody.over(kBegin + 20 * kSecond), "");
}

TEST(Lease, AnAnswerOfNimbusHoldsFromWhenItWasAsked) {
    Lease lease(20 * kSecond, kBegin);
    lease.vouched(kBegin);
    ASSERT_TRUE(lease.ask(kBegin + 10 * kSecond));

    lease.answered(Answer::kYours);

    EXPECT_EQ(lease.over(kBegin + 30 * kSecond - 1), "");
    EXPECT_NE(lease.over(kBegin + 30 * kSecond), "");
}

TEST(Lease, OfATopologyThatWasRemovedIsOverAtOnce) {
    Lease lease(0, kBegin);
    const Micros now = kBegin + kAskAfter;

    step(lease, now, Answer::kGone);

    EXPECT_NE(lease.over(now), "");
}

TEST(Lease, TheSupervisorsWordIsBelievedBeforeNimbusSaysGone) {
    Lease lease(0, kBegin);
    ASSERT_TRUE(lease.ask(kBegin + kAskAfter));
    lease.vouched(kBegin + kAskAfter + 1);
    lease.answered(Answer::kGone);

    EXPECT_EQ(lease.over(kBegin + 3600 * kSecond), "");
    EXPECT_FALSE(lease.ask(kBegin + kAskAfter + kSecond));
}

TEST(Lease, AWordOfTheSupervisorEndsWhatNimbusSaidBefore) {
    Lease lease(0, kBegin);
    Micros now = kBegin + kAskAfter;
    step(lease, now, Answer::kGone);

    for (int i = 0; i < 30; ++i) lease.vouched(now += kSecond);

    EXPECT_EQ(lease.over(now), "");
}

TEST(Lease, AnAnswerThatNobodyAskedForIsNone) {
    Lease lease(20 * kSecond, kBegin);

    lease.answered(Answer::kYours);

    EXPECT_NE(lease.over(kBegin + 20 * kSecond), "");
}

// In each second: the Supervisor vouches or not, and Nimbus would say one of four things.
TEST(Lease, InEveryOrderItIsOverALimitAfterTheLastGoodWordOrWhenItsTopologyWasRemoved) {
    constexpr int kSeconds = 6;
    constexpr Micros kLimit = 4 * kSecond;
    enum Event { kNothing, kVouch, kYes, kNo, kEvents };
    int ended = 0;
    int runs = 1;
    for (int i = 0; i < kSeconds; ++i) runs *= kEvents;

    for (int run = 0; run < runs; ++run) {
        Lease lease(kLimit, kBegin);
        lease.vouched(kBegin);
        Micros last_word = kBegin;
        Micros last_vouch = kBegin;
        std::vector<int> events;
        for (int i = 1, code = run; i <= kSeconds; ++i, code /= kEvents) {
            const Micros now = kBegin + i * kSecond;
            const auto event = static_cast<Event>(code % kEvents);
            events.push_back(event);
            if (event == kVouch) {
                lease.vouched(now);
                last_word = last_vouch = now;
            }
            const bool asks = lease.ask(now);
            ASSERT_EQ(asks, now - last_vouch >= kAskAfter) << ::testing::PrintToString(events);
            if (asks) {
                lease.answered(event == kYes  ? Answer::kYours
                               : event == kNo ? Answer::kGone
                                              : Answer::kNone);
                if (event == kYes) last_word = now;
            }
            const bool over = !lease.over(now).empty();
            const bool was_removed = asks && event == kNo;
            ASSERT_EQ(over, was_removed || now - last_word >= kLimit)
                << ::testing::PrintToString(events);
            if (over) break;
        }
        ended += !lease.over(kBegin + kSeconds * kSecond).empty();
    }

    EXPECT_GT(ended, 0);
    EXPECT_LT(ended, runs);
}

}  // namespace
}  // namespace storm::worker

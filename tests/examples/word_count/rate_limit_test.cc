// Time is made up here.
#include "examples/word_count/rate_limit.h"

#include <gtest/gtest.h>

namespace word_count {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RateLimit::Time kStart{seconds(10)};

TEST(RateLimit, FirstOneMayHappenAtOnce) {
    RateLimit rate(10);
    EXPECT_EQ(rate.available(kStart), 1u);
}

TEST(RateLimit, OnesAreSpreadEvenly) {
    RateLimit rate(10);
    ASSERT_EQ(rate.available(kStart), 1u);
    rate.took(1);

    EXPECT_EQ(rate.available(kStart + milliseconds(99)), 0u);
    EXPECT_NEAR(rate.until_next().count(), 0.001, 1e-6);
    EXPECT_EQ(rate.available(kStart + milliseconds(101)), 1u);
}

TEST(RateLimit, OverASecondItIsWhatWasAskedFor) {
    RateLimit rate(1000);
    std::size_t taken = 0;
    for (auto now = kStart; now < kStart + seconds(1); now += milliseconds(3)) {
        const std::size_t some = rate.available(now);
        rate.took(some);
        taken += some;
    }
    EXPECT_NEAR(static_cast<double>(taken), 1000, 5);
}

TEST(RateLimit, IdleTimeIsNotMadeUpFor) {
    RateLimit rate(1000);
    ASSERT_EQ(rate.available(kStart), 1u);
    EXPECT_EQ(rate.available(kStart + hours(1)), 50u);
}

}  // namespace
}  // namespace word_count

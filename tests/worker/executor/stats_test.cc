// Goal:   a latency histogram is off by no more than it says, over its whole range.
// Method: every bucket's bounds, and any duration against its bucket.

#include "worker/executor/stats.h"

#include <array>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace storm::worker {
namespace {

using base::Micros;
using Counts = std::array<std::uint64_t, LatencyHistogram::kBuckets>;

TEST(LatencyHistogram, BucketsFollowEachOtherWithoutGapOrOverlap) {
    for (std::size_t i = 0; i + 1 < LatencyHistogram::kBuckets; ++i) {
        const Micros bound = LatencyHistogram::upper_bound(i);
        ASSERT_LT(bound, LatencyHistogram::upper_bound(i + 1));
        ASSERT_EQ(LatencyHistogram::bucket(bound - 1), i);
        ASSERT_EQ(LatencyHistogram::bucket(bound), i + 1);
    }
}

TEST(LatencyHistogram, WhatDoesNotFitGoesToTheOuterBuckets) {
    EXPECT_EQ(LatencyHistogram::bucket(-5), 0);
    EXPECT_EQ(LatencyHistogram::bucket(std::numeric_limits<Micros>::min()), 0);
    EXPECT_EQ(LatencyHistogram::bucket(std::numeric_limits<Micros>::max()),
              LatencyHistogram::kBuckets - 1);
}

TEST(LatencyHistogram, ReachesFarBeyondAWeek) {
    EXPECT_GT(LatencyHistogram::upper_bound(LatencyHistogram::kBuckets - 2),
              7 * 24 * 3'600 * base::kMicrosPerSecond);
}

RC_GTEST_PROP(LatencyHistogram, ABucketIsAtMostAQuarterWide, ()) {
    const auto micros = *rc::gen::inRange<Micros>(0, Micros{1} << 40);
    const auto bound =
        static_cast<double>(LatencyHistogram::upper_bound(LatencyHistogram::bucket(micros)));
    RC_ASSERT(bound > static_cast<double>(micros));
    RC_ASSERT(bound <= 1.25 * static_cast<double>(micros) + 1);
}

TEST(Quantile, OfNothingIsZero) {
    EXPECT_EQ(quantile(Counts{}, 0.99), 0);
}

TEST(Quantile, IsTheBoundBelowWhichTheShareIs) {
    LatencyHistogram histogram;
    for (int i = 0; i < 99; ++i) histogram.record(10);
    histogram.record(1'000'000);
    Counts counts{};
    histogram.add_to(counts);

    EXPECT_EQ(quantile(counts, 0.5), LatencyHistogram::upper_bound(LatencyHistogram::bucket(10)));
    EXPECT_EQ(quantile(counts, 0.99), LatencyHistogram::upper_bound(LatencyHistogram::bucket(10)));
    EXPECT_GT(quantile(counts, 0.999), 1'000'000);
    EXPECT_EQ(quantile(counts, 1.0), quantile(counts, 0.999));
}

TEST(Quantile, OfSeveralHistogramsCountsThemAll) {
    LatencyHistogram slow;
    LatencyHistogram fast;
    slow.record(1'000, 10);
    fast.record(1, 90);
    Counts counts{};
    slow.add_to(counts);
    fast.add_to(counts);

    EXPECT_LE(quantile(counts, 0.9), 2);
    EXPECT_GT(quantile(counts, 0.91), 1'000);
}

}  // namespace
}  // namespace storm::worker

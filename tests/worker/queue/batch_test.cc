// Goal:   a batch has the room that was asked for, is empty when it is taken, and comes back to be
//         used again; what is too large or too small for the pool goes back to the system.
// Method: by hand. That nothing leaks and nothing is written out of bounds is for asan to say.

#include "worker/queue/batch.h"

#include <cstring>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace storm::worker {
namespace {

struct BatchPoolTest : ::testing::Test {
    CommonPool common;
    BatchPool pool{common};
};

TEST_F(BatchPoolTest, ATakenBatchIsEmptyAndHasRoomForWhatWasAskedFor) {
    for (const std::size_t bytes :
         {std::size_t{1}, kBatchBytes - 1, kBatchBytes, kBatchBytes + 1, std::size_t{5'000'000}}) {
        Batch* const batch = pool.take(bytes);
        EXPECT_EQ(batch->used, 0);
        EXPECT_EQ(batch->open_runs, 0);
        EXPECT_GE(batch->capacity, bytes);
        std::memset(batch->bytes(), 0xAB, batch->capacity);
        pool.give(batch);
    }
}

TEST_F(BatchPoolTest, RowsInABatchAreAligned) {
    Batch* const batch = pool.take();

    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(batch->bytes()) % 8, 0);
    pool.give(batch);
}

TEST_F(BatchPoolTest, WhatIsGivenBackIsUsedAgainAndEmpty) {
    Batch* const batch = pool.take();
    batch->used = 100;
    batch->open_runs = 3;
    pool.give(batch);

    Batch* const again = pool.take();

    EXPECT_EQ(again, batch);
    EXPECT_EQ(again->used, 0);
    EXPECT_EQ(again->open_runs, 0);
    pool.give(again);
}

TEST_F(BatchPoolTest, ACopyHasTheSameRunsAndForAFewOfThemJustTheRoom) {
    for (const std::uint32_t used : {0U, 8U, 2'048U, 2'056U, 16'384U, 100'000U}) {
        Batch* const batch = pool.take(used);
        std::memset(batch->bytes(), static_cast<int>(used % 251), used);
        batch->used = used;

        Batch* const copy = pool.copy(*batch);

        EXPECT_EQ(copy->used, used);
        EXPECT_EQ(std::memcmp(copy->bytes(), batch->bytes(), used), 0);
        EXPECT_TRUE(used > kSmallBatchBytes || copy->capacity == used);
        pool.give(copy);
        pool.give(batch);
    }
}

TEST_F(BatchPoolTest, WhatPilesUpInOnePoolReachesTheOthers) {
    std::vector<Batch*> batches;
    for (std::size_t i = 0; i < 10 * kPoolBatches; ++i) batches.push_back(pool.take());
    const std::set<Batch*> made(batches.begin(), batches.end());
    for (Batch* const batch : batches) pool.give(batch);

    BatchPool other(common);
    std::size_t used_again = 0;
    std::vector<Batch*> taken;
    for (std::size_t i = 0; i < 8 * kPoolBatches; ++i) {
        taken.push_back(other.take());
        used_again += made.count(taken.back());
    }

    EXPECT_EQ(used_again, taken.size());
    EXPECT_EQ(std::set<Batch*>(taken.begin(), taken.end()).size(), taken.size());
    for (Batch* const batch : taken) other.give(batch);
}

TEST_F(BatchPoolTest, TheCommonPoolKeepsNoMoreThanItsLimit) {
    std::vector<Batch*> batches;
    for (std::size_t i = 0; i < 2 * kCommonPoolBatches; ++i) batches.push_back(pool.take());
    const std::set<Batch*> made(batches.begin(), batches.end());
    for (Batch* const batch : batches) pool.give(batch);
    // Whatever was freed is taken by these, and cannot look as if it had been kept.
    std::vector<Batch*> fillers;
    for (std::size_t i = 0; i < made.size(); ++i) fillers.push_back(make_batch(kBatchBytes));

    std::size_t kept = 0;
    std::vector<Batch*> taken;
    for (std::size_t i = 0; i < kCommonPoolBatches + 2 * kPoolBatches; ++i) {
        taken.push_back(common.take(1));
        kept += made.count(taken.back());
    }

    EXPECT_LE(kept, kCommonPoolBatches + kPoolBatches);
    for (Batch* const batch : taken) free_batch(batch);
    for (Batch* const batch : fillers) free_batch(batch);
}

}  // namespace
}  // namespace storm::worker

// A spout has given up the tuples that failed and were never acked afterwards. Method: sequences by
// hand, and random ones against a plain set.
#include "worker/executor/unreplayed.h"

#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace storm::worker {
namespace {

TEST(Unreplayed, CountsWhatFailedAndWasNotAckedLater) {
    Unreplayed tuples;
    tuples.acked(1);
    tuples.failed(2);
    tuples.failed(3);
    EXPECT_EQ(tuples.count(), 2U);

    tuples.acked(2);
    tuples.acked(4);

    EXPECT_EQ(tuples.count(), 1U);
}

TEST(Unreplayed, CountsATupleThatFailsAgainOnce) {
    Unreplayed tuples;
    tuples.failed(7);
    tuples.failed(7);
    EXPECT_EQ(tuples.count(), 1U);

    tuples.acked(7);
    tuples.failed(7);

    EXPECT_EQ(tuples.count(), 1U);
}

TEST(Unreplayed, IsASetOfIds) {
    base::Random random(1);
    std::set<MessageId> model;
    Unreplayed tuples;
    for (int i = 0; i < 100'000; ++i) {
        const MessageId id = random.below(100);
        if (random.below(2) == 0) {
            model.insert(id);
            tuples.failed(id);
        } else {
            model.erase(id);
            tuples.acked(id);
        }
        ASSERT_EQ(tuples.count(), model.size());
    }
}

TEST(Unreplayed, CountsAsGivenUpWhatItCannotRemember) {
    Unreplayed tuples;
    for (MessageId id = 0; id < Unreplayed::kIdsMax + 2; ++id) tuples.failed(id);
    for (MessageId id = 0; id < Unreplayed::kIdsMax + 2; ++id) tuples.acked(id);

    EXPECT_EQ(tuples.count(), 2U);
}

}  // namespace
}  // namespace storm::worker

// Goal:   first in, first out, however it grows and wraps around.
// Method: any sequence of pushes and pops against std::deque.

#include "worker/queue/ring.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"

namespace storm::worker {
namespace {

TEST(Ring, StartsEmpty) {
    const Ring<int> ring;

    EXPECT_TRUE(ring.empty());
    EXPECT_EQ(ring.size(), 0);
}

TEST(Ring, HoldsWhatCanOnlyBeMoved) {
    Ring<std::unique_ptr<int>> ring;
    for (int i = 0; i < 100; ++i) ring.push(std::make_unique<int>(i));

    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(*ring.front(), i);
        ring.pop();
    }
    EXPECT_TRUE(ring.empty());
}

RC_GTEST_PROP(Ring, GivesBackWhatItGotInOrder, (std::uint64_t seed)) {
    base::Random random(seed);
    Ring<std::uint64_t> ring;
    std::deque<std::uint64_t> model;
    const std::uint64_t pushes_in_16 = 5 + random.below(8);
    for (int i = 0; i < 3'000; ++i) {
        if (random.below(16) < pushes_in_16) {
            const std::uint64_t value = random.next();
            ring.push(value);
            model.push_back(value);
        } else if (!model.empty()) {
            RC_ASSERT(ring.front() == model.front());
            ring.pop();
            model.pop_front();
        }
        RC_ASSERT(ring.size() == model.size());
        RC_ASSERT(ring.empty() == model.empty());
    }
}

}  // namespace
}  // namespace storm::worker

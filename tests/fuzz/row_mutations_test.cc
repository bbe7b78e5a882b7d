// The fuzzer's trial without a fuzzer: each seed, and many random changes of each. Finds less than
// the fuzzer, but with any compiler and in a second.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/fuzz/row_trial.h"

namespace storm::wire {
namespace {

using Bytes = std::vector<std::byte>;

/// One of: a byte set, a bit turned, a word set to a small number, a word copied, a word cut out.
void mutate(Bytes& bytes, base::Random& random) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    if (size < 16) return;
    const std::size_t at = random.below(size);
    const std::size_t word = random.below(size / 8) * 8;
    const std::size_t other = random.below(size / 8) * 8;
    const auto word_at = bytes.begin() + static_cast<std::ptrdiff_t>(word);
    switch (random.below(5)) {
        case 0:
            bytes[at] = static_cast<std::byte>(random.below(256));
            break;
        case 1:
            bytes[at] ^= static_cast<std::byte>(1U << random.below(8));
            break;
        case 2:
            detail::store(bytes.data() + word, random.below(16));
            break;
        case 3:
            detail::store(bytes.data() + word, detail::load<std::uint64_t>(bytes.data() + other));
            break;
        default:
            bytes.erase(word_at, word_at + 8);
            break;
    }
}

TEST(RowMutations, EverySeedIsAccepted) {
    for (const Bytes& seed : row_seeds()) EXPECT_TRUE(try_bytes(seed)) << seed.size();
}

TEST(RowMutations, WhateverIsAcceptedIsCanonical) {
    constexpr int kMutations = 20'000;
    constexpr std::uint64_t kSeed = 20'240'101;
    base::Random random(kSeed);
    const std::vector<Bytes> seeds = row_seeds();
    int accepted = 0;

    for (int i = 0; i < kMutations; ++i) {
        Bytes bytes = seeds[static_cast<std::size_t>(i) % seeds.size()];
        for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes)
            mutate(bytes, random);
        if (try_bytes(bytes)) ++accepted;
    }

    // Enough of either to have tried both ways.
    EXPECT_GT(accepted, kMutations / 50);
    EXPECT_LT(accepted, kMutations / 2);
}

}  // namespace
}  // namespace storm::wire

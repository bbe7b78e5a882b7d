// The trials of the fuzzers of links without a fuzzer: each seed, and many random changes of each.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/fuzz/link_trial.h"

namespace storm::testing {
namespace {

using Bytes = std::vector<std::byte>;

Bytes mutated(Bytes bytes, base::Random& random) {
    for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
        const auto size = static_cast<std::uint32_t>(bytes.size());
        const std::size_t word = random.below(size / 8) * 8;
        switch (random.below(3)) {
            case 0:
                bytes[random.below(size)] ^= static_cast<std::byte>(1U << random.below(8));
                break;
            case 1:
                detail::store(bytes.data() + word, std::uint64_t{random.below(16)});
                break;
            default:
                bytes.resize(word + 8);
                break;
        }
    }
    return bytes;
}

TEST(LinkMutations, FramesAreReadOrRefused) {
    base::Random random(20'240'102);
    for (const Bytes& seed : frame_seeds()) EXPECT_TRUE(try_frame(seed));
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        const std::vector<Bytes> seeds = frame_seeds();
        accepted += try_frame(mutated(seeds[static_cast<std::size_t>(i) % seeds.size()], random));
    }
    EXPECT_GT(accepted, 100);
    EXPECT_LT(accepted, 15'000);
}

TEST(LinkMutations, BatchesAreTakenAllOrNotAtAll) {
    base::Random random(20'240'103);
    InboundTrial trial;
    EXPECT_TRUE(trial.try_runs(trial.good_run()));
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        Bytes two = trial.good_run();
        const Bytes second = mutated(trial.good_run(), random);
        two.insert(two.end(), second.begin(), second.end());
        accepted += trial.try_runs(two);
    }
    EXPECT_GT(accepted, 100);
    EXPECT_LT(accepted, 15'000);
}

}  // namespace
}  // namespace storm::testing

// Goal:   docs/guarantees.md holds, and everything comes to rest as it was asked for, whatever
//         fails at whatever moment.
// Method: simulated clusters (tests/sim/cluster.h), one for each seed.
//
//     build/dev/tests/sim_cluster_test --seed=N     plays one seed, and says what was wrong
//     STORM_SIM_SEEDS=200000 build/dev/tests/sim_cluster_test --gtest_filter=*Every*

#include "tests/sim/cluster.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/thread.h"
#include "tests/support/environment.h"
#include "tests/support/sanitized.h"

namespace storm::sim {
namespace {

/// Tells people about one seed. Returns the exit code.
int tell(std::uint64_t seed) {
    Cluster cluster(seed);
    const std::vector<std::string> faults = cluster.play();
    std::fputs(cluster.summary().c_str(), stdout);
    for (const std::string& fault : faults) std::fputs(("WRONG: " + fault + "\n").c_str(), stdout);
    return faults.empty() ? 0 : 1;
}

TEST(Simulation, EveryPromiseHoldsWhateverFails) {
    const std::uint64_t all =
        storm::testing::number_from("STORM_SIM_SEEDS", storm::testing::kSanitized ? 100 : 2'000);
    ASSERT_GT(all, 0);
    constexpr int kFailuresShown = 5;
    std::atomic<std::uint64_t> next{1};
    std::atomic<int> failures_seen{0};
    std::mutex mutex;
    std::array<std::uint64_t, kFaults> hit{};
    std::vector<std::string> failures;
    const auto some = [&] {
        // A few that fail are enough to look at.
        while (failures_seen < kFailuresShown) {
            const std::uint64_t seed = next++;
            if (seed > all) return;
            Cluster cluster(seed);
            const std::vector<std::string> faults = cluster.play();
            const std::lock_guard lock(mutex);
            for (std::size_t i = 0; i < kFaults; ++i)
                hit[i] += cluster.was_hit_by(static_cast<Fault>(i)) ? 1U : 0U;
            if (faults.empty()) continue;
            ++failures_seen;
            failures.push_back("seed " + std::to_string(seed) + ": " + faults.front());
        }
    };
    base::Thread other("seeds", some);
    some();
    other.join();
    for (const std::string& failure : failures) ADD_FAILURE() << failure;
    if (!failures.empty()) return;
    for (std::size_t i = 0; i < kFaults; ++i)
        EXPECT_GE(100 * hit[i], all) << to_string(static_cast<Fault>(i)) << " in too few seeds";
}

TEST(Simulation, TheSameSeedIsTheSameRun) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Cluster one(seed);
        Cluster again(seed);
        one.play();
        again.play();
        EXPECT_EQ(one.trace(), again.trace()) << "seed " << seed;
    }
}

}  // namespace
}  // namespace storm::sim

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    std::optional<std::string_view> seed;
    for (int i = 1; i < argc; ++i) {
        const std::string_view given = argv[i];
        if (given == "--seed" && i + 1 < argc) seed = argv[i + 1];
        if (given.starts_with("--seed=")) seed = given.substr(7);
    }
    try {
        if (seed) return storm::sim::tell(storm::testing::number_in(*seed, "--seed"));
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
    storm::base::log::set_level(storm::base::LogLevel::kError);
    return RUN_ALL_TESTS();
}

// Goal:   the cycles of a topology are found, and nothing else is taken for one.
// Method: shapes drawn by hand, and random graphs against reachability by brute force.

#include "worker/wiring/cycles.h"

#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "tests/support/graph.h"

namespace storm::worker {
namespace {

using storm::testing::Graph;

struct CyclesTest : ::testing::Test {
    Graph g;

    /// Whether all of the components are in one cycle, and no other one is in it.
    static bool are_one(const Topology& topology, const std::vector<std::string>& ids) {
        const Cycles cycles = find_cycles(topology);
        const std::size_t cycle = cycles.of_component[component_index(topology, ids.front())];
        std::size_t members = 0;
        for (const std::size_t other : cycles.of_component) members += other == cycle ? 1U : 0U;
        if (cycle == kNoCycle || members != ids.size()) return false;
        for (const std::string& id : ids) {
            if (cycles.of_component[component_index(topology, id)] != cycle) return false;
        }
        return true;
    }
};

TEST_F(CyclesTest, AChainAndADiamondHaveNone) {
    g.spout("s");
    g.bolt("a", 1, {"s"});
    g.bolt("b", 1, {"s"});
    g.bolt("c", 1, {"a", "b", "s"});

    const Cycles cycles = find_cycles(g.build());

    EXPECT_EQ(cycles.count, 0);
    EXPECT_EQ(cycles.of_component, std::vector<std::size_t>(4, kNoCycle));
    EXPECT_FALSE(cycles.inside(1, 1)) << "a component alone is not a cycle";
}

TEST_F(CyclesTest, ABoltThatListensToItselfIsOne) {
    g.spout("s");
    g.bolt("a", 1, {"s", "a"});
    g.bolt("b", 1, {"a"});
    const Topology topology = g.build();

    EXPECT_TRUE(are_one(topology, {"a"}));
    EXPECT_EQ(find_cycles(topology).count, 1);
}

TEST_F(CyclesTest, TwoThatListenToEachOtherAreOne) {
    g.spout("s");
    g.bolt("a", 1, {"s", "b"});
    g.bolt("b", 1, {"a"});
    g.bolt("c", 1, {"b"});

    EXPECT_TRUE(are_one(g.build(), {"a", "b"}));
}

TEST_F(CyclesTest, TwoRingsWithACommonMemberAreOne) {
    g.spout("s");
    g.bolt("a", 1, {"s", "b", "d"});
    g.bolt("b", 1, {"a"});
    g.bolt("c", 1, {"a"});
    g.bolt("d", 1, {"c"});

    EXPECT_TRUE(are_one(g.build(), {"a", "b", "c", "d"}));
}

TEST_F(CyclesTest, TwoRingsInARowAreTwo) {
    g.spout("s");
    g.bolt("a", 1, {"s", "b"});
    g.bolt("b", 1, {"a"});
    g.bolt("c", 1, {"b", "d"});
    g.bolt("d", 1, {"c"});
    const Topology topology = g.build();
    const Cycles cycles = find_cycles(topology);
    const auto index = [&](const char* id) { return component_index(topology, id); };

    EXPECT_EQ(cycles.count, 2);
    EXPECT_TRUE(are_one(topology, {"a", "b"}));
    EXPECT_TRUE(are_one(topology, {"c", "d"}));
    EXPECT_TRUE(cycles.inside(index("a"), index("b")));
    EXPECT_FALSE(cycles.inside(index("b"), index("c")));
    EXPECT_FALSE(cycles.inside(index("s"), index("a")));
}

RC_GTEST_PROP(Cycles, AreTheSetsOfComponentsThatReachEachOther, (std::uint64_t seed)) {
    base::Random random(seed);
    const auto bolts = static_cast<std::size_t>(1 + random.below(9));
    Graph g;
    g.spout("spout");
    std::vector<std::vector<bool>> reaches(bolts, std::vector<bool>(bolts));
    for (std::size_t i = 0; i < bolts; ++i) {
        std::vector<std::string> sources = {"spout"};
        for (std::size_t j = 0; j < bolts; ++j) {
            if (random.below(6) != 0) continue;
            sources.push_back("bolt" + std::to_string(j));
            reaches[j][i] = true;
        }
        g.bolt("bolt" + std::to_string(i), 1, sources);
    }
    const Topology topology = g.build();
    for (std::size_t via = 0; via < bolts; ++via) {
        for (std::size_t i = 0; i < bolts; ++i) {
            for (std::size_t j = 0; j < bolts; ++j) {
                if (reaches[i][via] && reaches[via][j]) reaches[i][j] = true;
            }
        }
    }

    const Cycles cycles = find_cycles(topology);

    RC_ASSERT(cycles.of_component[0] == kNoCycle);
    for (std::size_t i = 0; i < bolts; ++i) {
        for (std::size_t j = 0; j < bolts; ++j)
            RC_ASSERT(cycles.inside(i + 1, j + 1) == (reaches[i][j] && reaches[j][i]));
        const std::size_t cycle = cycles.of_component[i + 1];
        RC_ASSERT(cycle == kNoCycle || cycle < cycles.count);
    }
}

}  // namespace
}  // namespace storm::worker

// Goal:   executors are spread over the loops, chains stay together, and who blocks is alone.
// Method: small graphs, and any graph for what must hold of all.

#include "worker/wiring/placement.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "tests/support/graph.h"
#include "worker/wiring/cycles.h"

namespace storm::worker {
namespace {

using storm::testing::Graph;
using ::testing::Each;
using ::testing::ElementsAre;

struct PlacementTest : ::testing::Test {
    Graph g;

    struct Placed {
        Topology topology;
        cluster::Plan plan;
        Placement placement;

        std::vector<std::uint32_t> loops_of(const char* id) const {
            const cluster::ComponentPlan& component =
                plan.components[component_index(topology, id)];
            std::vector<std::uint32_t> loops;
            for (int i = 0; i < component.executors; ++i) {
                loops.push_back(placement.loop_of_executor[component.first_executor +
                                                           static_cast<std::size_t>(i)]);
            }
            return loops;
        }
    };
    Placed placed(std::size_t threads, bool all_dedicated = false) {
        Placed result{g.build(), {}, {}};
        result.plan = cluster::make_plan(result.topology, Config());
        result.placement = place(result.topology, result.plan, {}, threads, all_dedicated);
        return result;
    }
};

TEST_F(PlacementTest, AComponentWithAnExecutorForEachLoopHasOneOnEach) {
    g.spout("s", 3);
    g.bolt("a", 3, {"s"});
    g.bolt("b", 6, {"a"});

    const Placed result = placed(3);

    EXPECT_EQ(result.placement.shared_loops, 3);
    EXPECT_THAT(result.loops_of("s"), ElementsAre(0, 1, 2));
    EXPECT_THAT(result.loops_of("a"), ElementsAre(0, 1, 2));
    EXPECT_THAT(result.loops_of("b"), ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST_F(PlacementTest, AShortChainStaysOnOneLoop) {
    g.spout("s");
    g.bolt("a", 1, {"s"});
    g.bolt("b", 1, {"a"});

    const Placed result = placed(2);

    EXPECT_EQ(result.loops_of("a"), result.loops_of("s"));
    EXPECT_EQ(result.loops_of("b"), result.loops_of("s"));
}

TEST_F(PlacementTest, ALongChainDoesNotLeaveLoopsEmpty) {
    g.spout("s");
    std::string last = "s";
    for (int i = 0; i < 20; ++i) {
        const std::string id = "b" + std::to_string(i);
        g.bolt(id, 1, {last});
        last = id;
    }

    const Placed result = placed(4);

    std::vector<int> load(4);
    for (const std::uint32_t loop : result.placement.loop_of_executor) ++load[loop];
    EXPECT_GE(*std::min_element(load.begin(), load.end()), 2);
}

TEST_F(PlacementTest, ThereAreNoMoreLoopsThanExecutorsToShareThem) {
    g.spout("s");
    g.bolt("a", 1, {"s"});

    EXPECT_EQ(placed(16).placement.shared_loops, 2);
}

TEST_F(PlacementTest, WhoBlocksHasALoopAloneAfterTheSharedOnes) {
    g.spout("s", 2).blocking();
    g.bolt("a", 2, {"s"});
    g.bolt("b", 2, {"a"}).blocking();

    const Placed result = placed(2);

    EXPECT_EQ(result.placement.shared_loops, 2);
    EXPECT_EQ(result.placement.loops, 6);
    EXPECT_THAT(result.loops_of("s"), ElementsAre(2, 3));
    EXPECT_THAT(result.loops_of("a"), ElementsAre(0, 1));
    EXPECT_THAT(result.loops_of("b"), ElementsAre(4, 5));
}

TEST_F(PlacementTest, DedicatedGivesEachExecutorALoop) {
    g.spout("s", 2);
    g.bolt("a", 3, {"s"});

    const Placed result = placed(2, true);

    EXPECT_EQ(result.placement.shared_loops, 0);
    EXPECT_EQ(result.placement.loops, 5);
    const auto& loops = result.placement.loop_of_executor;
    EXPECT_EQ(std::set<std::uint32_t>(loops.begin(), loops.end()).size(), 5);
}

TEST_F(PlacementTest, ATopologyOfBlockersOnlyHasNoSharedLoop) {
    g.spout("s").blocking();
    g.bolt("a", 1, {"s"}).blocking();

    const Placed result = placed(2);

    EXPECT_EQ(result.placement.shared_loops, 0);
    EXPECT_EQ(result.placement.loops, 2);
}

TEST_F(PlacementTest, ABoltMayBeDeclaredBeforeItsSource) {
    g.bolt("late", 1, {"s"});
    g.bolt("ring", 1, {"late", "ring"});
    g.spout("s");

    const Placed result = placed(2);

    EXPECT_THAT(result.placement.loop_of_executor, Each(::testing::Lt(2U)));
}

RC_GTEST_PROP(Placement, EveryExecutorHasALoopAndNobodySharesABlockersOne, (std::uint64_t seed)) {
    base::Random random(seed);
    Graph g;
    g.spout("c0", static_cast<int>(1 + random.below(5)));
    for (std::uint64_t i = 1; i < 1 + random.below(8); ++i) {
        BoltDeclarer& bolt =
            g.bolt("c" + std::to_string(i), static_cast<int>(1 + random.below(9)),
                   {"c" + std::to_string(random.below(static_cast<std::uint32_t>(i)))});
        if (random.below(3) == 0) bolt.blocking();
    }
    const Topology topology = g.build();
    const cluster::Plan plan = cluster::make_plan(topology, Config());
    const std::size_t threads = 1 + random.below(8);

    const Placement placement = place(topology, plan, {}, threads, false);

    RC_ASSERT(placement.shared_loops <= threads);
    RC_ASSERT(placement.loop_of_executor.size() == plan.executors.size());
    std::vector<std::size_t> load(placement.loops);
    std::size_t shared = 0;
    for (std::size_t e = 0; e < plan.executors.size(); ++e) {
        const std::uint32_t loop = placement.loop_of_executor[e];
        RC_ASSERT(loop < placement.loops);
        const bool blocking = topology.components()[plan.executors[e].component].blocking;
        RC_ASSERT(blocking == (loop >= placement.shared_loops));
        ++load[loop];
        shared += blocking ? 0U : 1U;
    }
    RC_ASSERT(placement.shared_loops == std::min(threads, shared));
    for (std::size_t loop = placement.shared_loops; loop < placement.loops; ++loop)
        RC_ASSERT(load[loop] == 1U);
}

}  // namespace
}  // namespace storm::worker

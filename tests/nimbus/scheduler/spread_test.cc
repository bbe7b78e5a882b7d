// Goal:   executors that talk to each other share a worker, every worker has work, cycles are
// whole. Method: shapes by hand, and any topology for what must hold of all.

#include "nimbus/scheduler/spread.h"

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/nimbus/described.h"

namespace storm::nimbus {
namespace {

using ::testing::ElementsAre;
using tests::Described;
using tests::word_count;

TEST(Spread, PutsTheIthExecutorOfEachComponentOnOneWorker) {
    // Components by id: count, lines, split.
    EXPECT_THAT(spread(word_count(2), 2), ElementsAre(0, 1, 0, 1, 0, 1));
    EXPECT_THAT(spread(word_count(3), 2), ElementsAre(0, 1, 0, 0, 1, 0, 0, 1, 0));
}

TEST(Spread, CutsAChainOfSingleExecutorsOnce) {
    const auto chain =
        Described().spout("a", 1).bolt("b", 1, {"a"}).bolt("c", 1, {"b"}).bolt("d", 1, {"c"}).get();

    EXPECT_THAT(spread(chain, 2), ElementsAre(0, 0, 1, 1));
    EXPECT_THAT(spread(chain, 4), ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(spread(chain, 1), ElementsAre(0, 0, 0, 0));
}

TEST(Spread, GivesAWorkerToEachOfTwoExecutors) {
    const auto pair = Described().spout("a", 1).bolt("b", 1, {"a"}).get();

    EXPECT_THAT(spread(pair, 2), ElementsAre(0, 1));
    EXPECT_EQ(useful_workers(pair), 2U);
}

TEST(Spread, KeepsACycleOnOneWorker) {
    const auto loop = Described()
                          .spout("a", 2)
                          .bolt("b", 3, {"a", "c"})
                          .bolt("c", 2, {"b"})
                          .bolt("d", 1, {"d", "c"})
                          .get();
    EXPECT_EQ(useful_workers(loop), 4U);  // Two spouts, two cycles.
    EXPECT_THAT(cycles(loop),
                ::testing::UnorderedElementsAre(ElementsAre("b", "c"), ElementsAre("d")));

    const auto worker = spread(loop, 3);

    EXPECT_EQ((std::set<std::uint32_t>(worker.begin() + 2, worker.begin() + 7).size()), 1U);
}

RC_GTEST_PROP(Spread, EveryWorkerHasWorkAndCyclesAreWhole, ()) {
    const auto topology = tests::any_description();
    const std::size_t most = useful_workers(topology);
    RC_ASSERT(most >= 1U);
    const auto workers = *rc::gen::inRange<std::size_t>(1, most + 1);

    const auto worker = spread(topology, workers);

    RC_ASSERT(worker == spread(topology, workers));
    const auto component = topology.component_of_executor();
    RC_ASSERT(worker.size() == component.size());
    RC_ASSERT(std::set<std::uint32_t>(worker.begin(), worker.end()).size() == workers);
    RC_ASSERT(*std::max_element(worker.begin(), worker.end()) == workers - 1);
    std::map<std::string, std::set<std::uint32_t>> workers_of;
    for (std::size_t e = 0; e < worker.size(); ++e) {
        workers_of[topology.components[component[e]].id].insert(worker[e]);
    }
    for (const auto& cycle : cycles(topology)) {
        std::set<std::uint32_t> all;
        for (const auto& id : cycle) all.insert(workers_of[id].begin(), workers_of[id].end());
        RC_ASSERT(all.size() == 1U);
    }
}

}  // namespace
}  // namespace storm::nimbus

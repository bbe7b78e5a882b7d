// Goal:   every process numbers the tasks and executors of a topology alike, as documented.
// Method: small graphs by hand, and any graph for what must hold of all.

#include "cluster/plan.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "tests/support/graph.h"

namespace storm::cluster {
namespace {

using storm::testing::Graph;
using ::testing::HasSubstr;

struct PlanTest : ::testing::Test {
    Graph g;
    Config config;

    ComponentPlan of(const char* id) {
        if (!topology_) topology_ = g.build();
        const auto index =
            static_cast<std::size_t>(topology_->component(id) - topology_->components().data());
        return make_plan(*topology_, config).components[index];
    }

private:
    std::optional<Topology> topology_;
};

TEST_F(PlanTest, TasksAreNumberedFromOneByComponentIdInByteOrder) {
    g.spout("b", 2);
    g.bolt("a", 3, {"b"});
    g.bolt("Z", 1, {"b"});

    EXPECT_EQ(of("Z").first_task, 1);
    EXPECT_EQ(of("a").first_task, 2);
    EXPECT_EQ(of("b").first_task, 5);
}

TEST_F(PlanTest, TheOrderOfDeclarationHasNoInfluenceOnNumbers) {
    g.spout("s", 2);
    g.bolt("a", 3, {"s"});
    Graph other;
    other.bolt("a", 3, {"s"});
    other.spout("s", 2);
    const Topology topology = g.build();
    const Topology swapped = other.build();

    const Plan plan = make_plan(topology, config);
    const Plan same = make_plan(swapped, config);

    EXPECT_EQ(plan.components[0].first_task, same.components[1].first_task);
    EXPECT_EQ(plan.components[1].first_task, same.components[0].first_task);
}

TEST_F(PlanTest, WithoutANumberOfTasksEachExecutorHasOne) {
    g.spout("s", 4);

    EXPECT_EQ(of("s").tasks, 4);
    EXPECT_EQ(of("s").executors, 4);
}

TEST_F(PlanTest, ExecutorsShareTheTasksTheLargerSharesFirst) {
    g.spout("s", 3).tasks(8);
    const Topology topology = g.build();

    const Plan plan = make_plan(topology, config);

    ASSERT_EQ(plan.executors.size(), 3);
    EXPECT_EQ(plan.executors[0].tasks, 3);
    EXPECT_EQ(plan.executors[1].tasks, 3);
    EXPECT_EQ(plan.executors[2].tasks, 2);
    EXPECT_EQ(plan.executors[1].first_task, 4);
    EXPECT_EQ(plan.executors[2].first_task, 7);
}

TEST_F(PlanTest, ThereAreNoMoreExecutorsThanTasks) {
    g.spout("s", 5);
    config.set("topology.tasks", "2");

    EXPECT_EQ(of("s").tasks, 2);
    EXPECT_EQ(of("s").executors, 2);
}

TEST_F(PlanTest, ExecutorsCanBeOthersThanTheProgramAsksForButNotTheTasks) {
    g.spout("s", 2);
    g.bolt("a", 4, {"s"}).tasks(6);
    config.set("topology.component.executors", R"(["a=2"])");

    EXPECT_EQ(of("a").executors, 2);
    EXPECT_EQ(of("a").tasks, 6);
    EXPECT_EQ(of("s").executors, 2);
    EXPECT_EQ(of("s").first_task, 7) << "tasks keep their numbers";
}

TEST_F(PlanTest, ExecutorsThatCannotBeAreRefusedByName) {
    g.spout("lines", 2);
    const Topology topology = g.build();
    const auto why = [&](const char* items) {
        config.set("topology.component.executors", items);
        try {
            make_plan(topology, config);
        } catch (const ConfigError& error) {
            return std::string(error.what());
        }
        return std::string("taken");
    };
    EXPECT_EQ(why(R"(["lines=2"])"), "taken");
    EXPECT_THAT(why(R"(["lines=3"])"), HasSubstr("it has 2 tasks"));
    EXPECT_THAT(why(R"(["line=1"])"), HasSubstr("did you mean \"lines\""));
    for (const char* const wrong : {"lines", "lines=", "lines=0", "lines=-1", "lines=1x", "=1"}) {
        EXPECT_THAT(why((std::string("[\"") + wrong + "\"]").c_str()),
                    HasSubstr(std::string("has \"") + wrong + '"'));
    }
}

TEST_F(PlanTest, TopologyTasksHoldsForWhoDoesNotSay) {
    g.spout("s", 2);
    g.bolt("a", 2, {"s"}).tasks(3);
    g.bolt("b", 2, {"s"}).set("topology.tasks", "5");
    config.set("topology.tasks", "6");

    EXPECT_EQ(of("s").tasks, 6);
    EXPECT_EQ(of("a").tasks, 3);
    EXPECT_EQ(of("b").tasks, 5);
    EXPECT_EQ(of("b").executors, 2);
}

TEST_F(PlanTest, MaxTaskParallelismCapsTasksAndExecutors) {
    g.spout("s", 20);
    g.bolt("a", 2, {"s"}).tasks(50);
    config.set("topology.max.task.parallelism", "8");

    EXPECT_EQ(of("s").tasks, 8);
    EXPECT_EQ(of("s").executors, 8);
    EXPECT_EQ(of("a").tasks, 8);
    EXPECT_EQ(of("a").executors, 2);
}

TEST_F(PlanTest, AComponentSeesItsOwnSettingsOverTheTopologys) {
    g.spout("s").set("mine", "component");
    config.set("mine", "topology");
    config.set("yours", "topology");
    const Topology topology = g.build();

    const Config merged = component_config(topology.components()[0], config);

    EXPECT_EQ(merged.string("mine"), "component");
    EXPECT_EQ(merged.string("yours"), "topology");
}

RC_GTEST_PROP(Plan, NumbersEveryTaskOnceAndInOrder, (std::uint64_t seed)) {
    base::Random random(seed);
    Graph g;
    const auto executors = [&] { return static_cast<int>(1 + random.below(9)); };
    const auto tasks = [&] { return static_cast<int>(9 + random.below(20)); };
    g.spout("c0", executors()).tasks(tasks());
    for (std::uint64_t i = 1; i < 1 + random.below(12); ++i)
        g.bolt("c" + std::to_string(i), executors(), {"c0"}).tasks(tasks());
    const Topology topology = g.build();

    const Plan plan = make_plan(topology, Config());

    TaskId next = 1;
    for (const ExecutorPlan& executor : plan.executors) {
        RC_ASSERT(executor.first_task == next);
        RC_ASSERT(executor.tasks >= 1);
        next += executor.tasks;
    }
    RC_ASSERT(next == plan.last_task + 1);
    for (std::size_t c = 0; c < plan.components.size(); ++c) {
        const ComponentPlan& component = plan.components[c];
        TaskId at = component.first_task;
        for (int i = 0; i < component.executors; ++i) {
            const ExecutorPlan& executor =
                plan.executors[component.first_executor + static_cast<std::size_t>(i)];
            RC_ASSERT(executor.component == c);
            RC_ASSERT(executor.first_task == at);
            RC_ASSERT(executor.tasks <= plan.executors[component.first_executor].tasks);
            RC_ASSERT(executor.tasks + 1 >= plan.executors[component.first_executor].tasks);
            at += executor.tasks;
        }
        RC_ASSERT(at == component.first_task + component.tasks);
    }
}

}  // namespace
}  // namespace storm::cluster

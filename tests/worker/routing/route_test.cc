// Goal:   a route makes of a subscription what its grouping says, and counts its targets' credit.
// Method: the tasks of a bolt as targets, with channels whose credit the test uses up.

#include "worker/routing/route.h"

#include <deque>
#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/any_topology.h"
#include "tests/wire/plain_row.h"

namespace storm::worker {
namespace {

using ::testing::SizeIs;

constexpr int kTargets = 3;
constexpr std::uint64_t kWindow = 100;

struct RouteTest : ::testing::Test {
    Wiring wiring{topology(), testing::config_of({1, false})};
    std::deque<CreditReceiver> receivers;
    std::deque<Sender> senders;
    base::Random random{7};

    static Topology topology() {
        TopologyBuilder t;
        t.spout<testing::Numbers>("numbers", 0);
        t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {})
            .parallelism(kTargets)
            .shuffle("numbers");
        return t.build();
    }
    TaskId target(std::size_t i) { return wiring.tasks_of("sink").at(i); }
    Route route(GroupingKind grouping, std::vector<std::string> keys = {}) {
        Subscription input = wiring.topology.components().at(1).inputs.at(0);
        input.grouping = grouping;
        input.fields = std::move(keys);
        std::vector<Target> targets;
        for (const TaskId task : wiring.tasks_of("sink")) {
            receivers.emplace_back(kWindow);
            senders.emplace_back(&receivers.back(), nullptr);
            targets.push_back({task, nullptr, 0, &senders.back()});
        }
        const TaskContext context(nullptr);
        const RouteSource source{wiring, wiring.tasks_of("numbers").at(0), context,
                                 *wiring.schemas.at(0).at(0)};
        return {input, 1, std::move(targets), source, random};
    }
    static std::vector<std::byte> row_of(std::int64_t value) {
        wire::PlainRow row;
        row.values = {value};
        return wire::encode_row(row);
    }
    /// How often each task gets one of `rows` with these values.
    std::map<TaskId, int> chosen(Route& route, int rows, std::int64_t value = 7) {
        const std::vector<std::byte> row = row_of(value);
        std::map<TaskId, int> counts;
        for (int i = 0; i < rows; ++i) {
            EXPECT_TRUE(route.choose(row.data(), random, [&](Target& target) {
                ++counts[target.task];
                return true;
            }));
        }
        return counts;
    }
};

TEST_F(RouteTest, AShuffleGivesAllTheirShare) {
    Route shuffle = route(GroupingKind::kShuffle);
    const std::map<TaskId, int> counts = chosen(shuffle, 30);
    EXPECT_THAT(counts, SizeIs(kTargets));
    for (const auto& [task, count] : counts) EXPECT_GE(count, 5) << task;
}

TEST_F(RouteTest, AShufflePassesOverWhoHasNoCredit) {
    Route shuffle = route(GroupingKind::kShuffle);
    static_cast<void>(senders[1].credit.send(kWindow));
    EXPECT_EQ(chosen(shuffle, 30).count(target(1)), 0U);
    EXPECT_TRUE(shuffle.credit().may_choose);
}

TEST_F(RouteTest, WhoIsGoneGetsNothingThoughNobodyHasCredit) {
    for (const GroupingKind grouping :
         {GroupingKind::kShuffle, GroupingKind::kLocalOrShuffle, GroupingKind::kNone}) {
        receivers.clear();
        senders.clear();
        Route any = route(grouping);
        for (std::size_t i = 0; i < kTargets; ++i)
            static_cast<void>(senders[i].credit.send(kWindow));
        receivers[0].revoke();
        receivers[2].give_up();
        // Two ways to learn of it: a look for new credit, and the news that a worker is lost.
        static_cast<void>(senders[0].credit.revoke());
        static_cast<void>(senders[2].credit.refresh());

        const std::map<TaskId, int> counts = chosen(any, 30);
        EXPECT_EQ(counts, (std::map<TaskId, int>{{target(1), 30}}));
    }
}

TEST_F(RouteTest, AKeyWithTwoTasksGoesToTheOneThatIsThere) {
    Route keys = route(GroupingKind::kPartialKey, {"n"});
    const std::map<TaskId, int> both = chosen(keys, 30);
    ASSERT_THAT(both, SizeIs(2));
    const TaskId lost = both.begin()->first;
    const auto i = static_cast<std::size_t>(lost - target(0));
    receivers[i].revoke();
    static_cast<void>(senders[i].credit.revoke());

    EXPECT_EQ(chosen(keys, 30).count(lost), 0U);
}

TEST_F(RouteTest, OneKeyGoesToOneTask) {
    Route fields = route(GroupingKind::kFields, {"n"});
    EXPECT_THAT(chosen(fields, 10), SizeIs(1));
    EXPECT_FALSE(fields.credit().may_choose);
    EXPECT_EQ(fields.credit().targets, kTargets);
}

TEST_F(RouteTest, AllGetsEachRow) {
    Route all = route(GroupingKind::kAll);
    const std::map<TaskId, int> counts = chosen(all, 4);
    EXPECT_THAT(counts, SizeIs(kTargets));
    for (const auto& [task, count] : counts) EXPECT_EQ(count, 4) << task;
}

TEST_F(RouteTest, OneRefusedCopyIsTold) {
    Route all = route(GroupingKind::kAll);
    const std::vector<std::byte> row = row_of(7);
    int copies = 0;
    EXPECT_FALSE(all.choose(row.data(), random, [&](Target&) { return ++copies != 2; }));
    EXPECT_EQ(copies, kTargets) << "the others get theirs";
}

TEST_F(RouteTest, OnlyADirectGroupingHasATargetForATask) {
    Route direct = route(GroupingKind::kDirect);
    Route shuffle = route(GroupingKind::kShuffle);
    ASSERT_NE(direct.direct(target(2)), nullptr);
    EXPECT_EQ(direct.direct(target(2))->task, target(2));
    EXPECT_EQ(direct.direct(99), nullptr);
    EXPECT_EQ(shuffle.direct(target(2)), nullptr);
    EXPECT_THAT(chosen(direct, 5), SizeIs(0)) << "it gets what is emitted with to() only";
}

}  // namespace
}  // namespace storm::worker

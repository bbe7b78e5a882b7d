// Goal:   acks are combined on their way without changing what they do, and go where their spout
// is. Method: record by record, and any list of records against a map.

#include "worker/acker/ack_lane.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"

namespace storm::worker {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

Root root_of(TaskId task, std::uint64_t rest) {
    return static_cast<Root>(task) << kRootTaskShift | rest;
}

struct AckLaneTest : ::testing::Test {
    const std::vector<std::uint32_t> loop_of_task = {0, 0, 1, 2};  // Tasks 1, 2 and 3.
    AckLane lane{loop_of_task, 3};
};

TEST_F(AckLaneTest, NeighbouringAcksOfOneRootAreOneRecord) {
    lane.ack(root_of(1, 5), 0b0011);
    lane.ack(root_of(1, 5), 0b0101);
    lane.ack(root_of(1, 5), 0b1000);

    ASSERT_THAT(lane.by_destination()[0].acks, SizeIs(1));
    EXPECT_EQ(lane.by_destination()[0].acks[0].root, root_of(1, 5));
    EXPECT_EQ(lane.by_destination()[0].acks[0].edges, 0b1110);
}

TEST_F(AckLaneTest, AcksOfOtherRootsInBetweenSeparateThem) {
    lane.ack(root_of(1, 5), 1);
    lane.ack(root_of(1, 6), 2);
    lane.ack(root_of(1, 5), 4);

    EXPECT_THAT(lane.by_destination()[0].acks, SizeIs(3));
}

TEST_F(AckLaneTest, RecordsGoToTheLoopOfTheirSpoutTask) {
    for (const TaskId task : {1, 2, 3, 2, 1, 3, 3}) {
        lane.ack(root_of(task, 1), 7);
        lane.fail(root_of(task, 2), FailReason::kException);
        lane.reset_timeout(root_of(task, 3));
    }

    for (std::size_t loop = 0; loop < 3; ++loop) {
        for (const AckRecord& ack : lane.by_destination()[loop].acks)
            EXPECT_EQ(loop_of_task[static_cast<std::size_t>(task_of(ack.root))], loop);
        for (const FailRecord& fail : lane.by_destination()[loop].fails)
            EXPECT_EQ(loop_of_task[static_cast<std::size_t>(task_of(fail.root))], loop);
    }
    EXPECT_THAT(lane.by_destination()[0].fails, SizeIs(4));
    EXPECT_THAT(lane.by_destination()[2].fails, SizeIs(6));
}

TEST_F(AckLaneTest, AFailSaysWhyAndWhatIsNoneSaysSo) {
    lane.fail(root_of(2, 1), FailReason::kOverflow);
    lane.reset_timeout(root_of(2, 1));
    lane.held(root_of(2, 1), -1);

    const std::vector<FailRecord>& fails = lane.by_destination()[1].fails;
    ASSERT_THAT(fails, SizeIs(3));
    EXPECT_EQ(fails[0].reason, FailReason::kOverflow);
    EXPECT_EQ(fails[0].kind, FailRecord::Kind::kFail);
    EXPECT_EQ(fails[1].kind, FailRecord::Kind::kReset);
    EXPECT_EQ(fails[2].kind, FailRecord::Kind::kHeld);
    EXPECT_EQ(fails[2].held, -1);
}

TEST_F(AckLaneTest, ItIsUsableAfterItsRecordsWereTaken) {
    lane.ack(root_of(2, 1), 1);
    ControlBatch taken;
    std::swap(taken, lane.by_destination()[1]);

    lane.ack(root_of(2, 1), 2);

    EXPECT_THAT(taken.acks, SizeIs(1));
    ASSERT_THAT(lane.by_destination()[1].acks, SizeIs(1));
    EXPECT_EQ(lane.by_destination()[1].acks[0].edges, 2);
    EXPECT_FALSE(lane.by_destination()[1].empty());
    EXPECT_TRUE(lane.by_destination()[0].empty());
}

TEST_F(AckLaneTest, OfTheCreditsOfAChannelInARowTheLastOneGoesOut) {
    lane.credit(1, {.channel = 5, .limit = 100});
    lane.credit(1, {.channel = 5, .limit = 200});
    lane.credit(1, {.channel = 6, .limit = 50});

    const std::vector<CreditRecord>& credits = lane.by_destination()[1].credits;
    ASSERT_THAT(credits, SizeIs(2));
    EXPECT_EQ(credits[0].channel, 5);
    EXPECT_EQ(credits[0].limit, 200);
    EXPECT_EQ(credits[1].channel, 6);
}

TEST(MergeByRoot, OfNothingIsNothing) {
    std::vector<AckRecord> none;
    merge_by_root(none);
    EXPECT_THAT(none, IsEmpty());
}

RC_GTEST_PROP(MergeByRoot, LeavesOneRecordPerRootWithTheXorOfAll, (std::uint64_t seed)) {
    base::Random random(seed);
    std::vector<AckRecord> records(random.below(200));
    std::map<Root, EdgeXor> wanted;
    for (AckRecord& record : records) {
        record = {root_of(1 + static_cast<TaskId>(random.below(2)), random.below(20)),
                  random.next()};
        wanted[record.root] ^= record.edges;
    }

    merge_by_root(records);

    std::map<Root, EdgeXor> merged;
    for (const AckRecord& record : records) {
        RC_ASSERT(!merged.contains(record.root));
        merged[record.root] = record.edges;
    }
    RC_ASSERT(merged == wanted);
}

RC_GTEST_PROP(MergeByRoot, LeavesOneRecordPerRootKindAndReasonAndTheSumOfWhatIsKept,
              (std::uint64_t seed)) {
    constexpr FailReason kReasons[] = {FailReason::kException, FailReason::kBoltFailed};
    base::Random random(seed);
    std::vector<FailRecord> records(random.below(200));
    std::map<std::tuple<Root, FailRecord::Kind, FailReason>, std::int32_t> wanted;
    for (FailRecord& record : records) {
        record.root = random.below(10);
        record.kind = static_cast<FailRecord::Kind>(random.below(3));
        if (record.kind == FailRecord::Kind::kFail) record.reason = kReasons[random.below(2)];
        if (record.kind == FailRecord::Kind::kHeld) record.held = random.below(2) == 0 ? 1 : -1;
        wanted[{record.root, record.kind, record.reason}] += record.held;
    }
    std::erase_if(wanted, [](const auto& each) {
        return std::get<1>(each.first) == FailRecord::Kind::kHeld && each.second == 0;
    });

    merge_by_root(records);

    std::map<std::tuple<Root, FailRecord::Kind, FailReason>, std::int32_t> merged;
    for (const FailRecord& record : records) {
        const bool first =
            merged.emplace(std::tuple(record.root, record.kind, record.reason), record.held).second;
        RC_ASSERT(first);
    }
    RC_ASSERT(merged == wanted);
}

}  // namespace
}  // namespace storm::worker

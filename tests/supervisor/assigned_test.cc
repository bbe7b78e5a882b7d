// Goal:   what ZooKeeper has gone back to, as if restored from a copy, is not followed.
// Method: pure calls, without a running worker, whose own epoch would tell, too.

#include "supervisor/assigned.h"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordination/memory_coordination.h"
#include "tests/support/manual_loop.h"

namespace storm::supervisor {
namespace {

using storm::testing::ManualLoop;
using storm::testing::ManualTime;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::map<std::string, cluster::Assignment> of_epoch(
    std::uint64_t epoch, cluster::Status status = cluster::Status::kActive) {
    cluster::Assignment made;
    made.topology = "wc-1";
    made.epoch = epoch;
    made.status = status;
    return {{"wc-1", made}};
}

struct AssignedTest : ::testing::Test {
    ManualTime time;
    ManualLoop service{time}, loop{time};
    coordination::MemoryServer server{service};
    coordination::Session session{loop, [this] { return server.connect(loop); }, "/storm"};
    coordination::ClusterState state{session};
    Assigned assigned{state, loop, [] {}};
};

TEST_F(AssignedTest, AnOlderAssignmentIsNotFollowedThoughNothingRuns) {
    assigned.take(of_epoch(5), {});
    assigned.take(of_epoch(4), {});

    EXPECT_EQ(assigned.assignments().at("wc-1")->epoch, 5U);
    EXPECT_TRUE(assigned.look({}));
    EXPECT_THAT(assigned.doubts().at("wc-1"),
                AllOf(HasSubstr("of epoch 4"), HasSubstr("restored")));

    assigned.take(of_epoch(6), {});
    EXPECT_EQ(assigned.assignments().at("wc-1")->epoch, 6U);
    EXPECT_TRUE(assigned.look({}));
    EXPECT_THAT(assigned.doubts(), IsEmpty());
}

TEST_F(AssignedTest, AnEndCountsHoweverOldItIs) {
    assigned.take(of_epoch(5), {});
    assigned.take(of_epoch(4, cluster::Status::kKilled), {});

    EXPECT_EQ(assigned.assignments().at("wc-1")->status, cluster::Status::kKilled);
}

TEST_F(AssignedTest, AnUnchangedAssignmentStaysTheSameObject) {
    assigned.take(of_epoch(5), {});
    const auto before = assigned.assignments().at("wc-1");
    assigned.take(of_epoch(5), {});

    EXPECT_EQ(assigned.assignments().at("wc-1"), before);
}

}  // namespace
}  // namespace storm::supervisor

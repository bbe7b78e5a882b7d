// Goal:   a row is given up when nobody waits for it any more: not before the last of its spouts
//         has given up, and not because of another spout.
// Method: a topology of three spouts, one of them without timeouts, and rows with their roots.

#include "worker/executor/message_timeouts.h"

#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/any_topology.h"
#include "tests/wire/plain_row.h"
#include "worker/acker/ack_ledger.h"

namespace storm::worker {
namespace {

constexpr base::Micros kSecond = base::kMicrosPerSecond;

struct MessageTimeoutsTest : ::testing::Test {
    Wiring wiring{topology(), testing::config_of({1, false})};
    const MessageTimeouts timeouts{wiring};

    static Topology topology() {
        TopologyBuilder t;
        t.spout<testing::Numbers>("hasty", 0)
            .parallelism(2)
            .set("topology.message.timeout.secs", "2");
        t.bolt_fn("sink", {}, [](const Tuple&, BasicCollector&) {})
            .shuffle("hasty")
            .shuffle("patient")
            .shuffle("stubborn");
        t.spout<testing::Numbers>("patient", 0).set("topology.message.timeout.secs", "60");
        t.spout<testing::Numbers>("stubborn", 0).set("topology.enable.message.timeouts", "false");
        return t.build();
    }
    std::vector<std::byte> row_of(const std::vector<std::string_view>& spouts) const {
        wire::PlainRow row;
        for (const std::string_view spout : spouts) {
            const auto task = static_cast<Root>(wiring.tasks_of(spout).back());
            row.anchors.push_back({task << kRootTaskShift | 5, 7});
        }
        row.values = {std::int64_t{1}};
        return wire::encode_row(row);
    }
    bool are_over(const std::vector<std::string_view>& spouts, base::Micros age) const {
        return timeouts.are_over(row_of(spouts).data(), age);
    }
};

TEST_F(MessageTimeoutsTest, ARowTimesOutWithItsOwnSpout) {
    EXPECT_FALSE(are_over({"hasty"}, 2 * kSecond - 1));
    EXPECT_TRUE(are_over({"hasty"}, 2 * kSecond));
    EXPECT_FALSE(are_over({"patient"}, 2 * kSecond));
    EXPECT_FALSE(are_over({"patient"}, 60 * kSecond - 1));
    EXPECT_TRUE(are_over({"patient"}, 60 * kSecond));
}

TEST_F(MessageTimeoutsTest, ASpoutWithoutTimeoutsWaitsForEver) {
    EXPECT_FALSE(are_over({"stubborn"}, 1'000'000 * kSecond));
}

TEST_F(MessageTimeoutsTest, OneOfSeveralSpoutsThatWaitsIsEnough) {
    EXPECT_FALSE(are_over({"hasty", "patient"}, 59 * kSecond));
    EXPECT_FALSE(are_over({"patient", "hasty"}, 59 * kSecond));
    EXPECT_TRUE(are_over({"hasty", "patient"}, 60 * kSecond));
    EXPECT_FALSE(are_over({"hasty", "stubborn"}, 60 * kSecond));
}

TEST_F(MessageTimeoutsTest, ARowWithoutRootsNeverTimesOut) {
    EXPECT_FALSE(are_over({}, 1'000'000 * kSecond));
}

TEST_F(MessageTimeoutsTest, NoYoungRowIsLookedAt) {
    EXPECT_EQ(timeouts.shortest(), 2 * kSecond);
    TopologyBuilder t;
    t.spout<testing::Numbers>("stubborn", 0);
    const Wiring without{
        t.build(), testing::config_of({1, false}, {{"topology.enable.message.timeouts", "false"}})};
    EXPECT_EQ(MessageTimeouts(without).shortest(), 0);
}

}  // namespace
}  // namespace storm::worker

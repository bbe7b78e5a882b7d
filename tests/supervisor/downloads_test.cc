// A topology's downloads come one after the other, and hold up no other's as long as there are
// threads. Method: the choice of a thread alone.

#include "supervisor/downloads.h"

#include <gtest/gtest.h>

namespace storm::supervisor {
namespace {

TEST(Lanes, ATopologyKeepsItsLaneAsLongAsItHasJobs) {
    Lanes lanes(3);
    const std::size_t lane = lanes.begin("a");
    EXPECT_EQ(lanes.begin("a"), lane);
    lanes.end("a");
    EXPECT_EQ(lanes.begin("a"), lane);
}

TEST(Lanes, AnotherTopologyTakesALaneWithoutJobs) {
    Lanes lanes(2);
    const std::size_t lane = lanes.begin("a");
    lanes.begin("a");
    const std::size_t other = lanes.begin("b");
    EXPECT_NE(other, lane);
    lanes.end("a");
    lanes.end("a");
    EXPECT_EQ(lanes.begin("c"), lane) << "it is free again";
}

TEST(Lanes, WhenNoneIsFreeTheShortestQueueIsTaken) {
    Lanes lanes(2);
    const std::size_t lane = lanes.begin("a");
    lanes.begin("a");
    const std::size_t other = lanes.begin("b");
    EXPECT_EQ(lanes.begin("c"), other);
    lanes.end("a");
    lanes.end("a");
    EXPECT_EQ(lanes.begin("d"), lane);
}

}  // namespace
}  // namespace storm::supervisor

#include "worker/serve/own_part.h"

#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace storm::worker {
namespace {

/// Workers 0 and 2 on one host, 3 on another; nobody has the last executor.
cluster::Assignment assignment() {
    cluster::Assignment made;
    made.topology = "wc-1-1";
    made.epoch = 5;
    made.workers = {{0, "s1", "h1", 6700, 1}, {2, "s1", "h1", 6701, 4}, {3, "s2", "h2", 6700, 5}};
    made.worker_of_executor = {0, 2, 3, cluster::kUnassigned};
    return made;
}

constexpr std::uint64_t kIncarnation = std::uint64_t{4} << 32 | 7;  // A life of worker 2.

TEST(OwnPart, ExecutorsWithoutAWorkerAreThoseOfOneThatThereIsNot) {
    const Share share = share_of(assignment(), 2, kIncarnation);

    EXPECT_EQ(share.own, 2);
    EXPECT_EQ(share.incarnation, kIncarnation);
    EXPECT_EQ(share.workers, 5);
    EXPECT_EQ(share.worker_of_executor, (std::vector<std::uint32_t>{0, 2, 3, 4}));
    EXPECT_EQ(share.workers_on_host, 2);
}

TEST(OwnPart, OnlyWorkersWithASlotHaveAPlace) {
    const auto places = places_of(assignment(), 3);

    ASSERT_EQ(places.size(), 3);
    EXPECT_EQ(places[0], (PeerPlace{"h1", 6700, 1}));
    EXPECT_EQ(places[1], std::nullopt);
    EXPECT_EQ(places[2], (PeerPlace{"h1", 6701, 4}));
}

TEST(OwnPart, ALifeGoesOnAsLongAsItsSlotAndItsExecutorsAreTheSame) {
    const cluster::Assignment present = assignment();
    cluster::Assignment next = present;
    ++next.epoch;
    next.status = cluster::Status::kInactive;
    next.workers[2] = {3, "s3", "h3", 6700, 6};  // Another one has moved.
    EXPECT_EQ(why_it_ends(present, next, 2, kIncarnation), "");

    cluster::Assignment moved = next;
    moved.workers[1].epoch = 6;
    EXPECT_EQ(why_it_ends(present, moved, 2, kIncarnation), "its slot is another worker's now");
    moved.workers.erase(moved.workers.begin() + 1);
    EXPECT_EQ(why_it_ends(present, moved, 2, kIncarnation), "its slot is another worker's now");

    next.worker_of_executor[3] = 0;
    EXPECT_EQ(why_it_ends(present, next, 2, kIncarnation), "its executors have changed");
}

}  // namespace
}  // namespace storm::worker

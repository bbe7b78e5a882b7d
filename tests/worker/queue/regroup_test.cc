// Goal:   a regrouped batch has one run for each target task, with the same rows in the same order.
// Method: any batch of one source task, read back.

#include "worker/queue/regroup.h"

#include <cstdint>
#include <map>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "wire/batch.h"
#include "worker/queue/outbox.h"

namespace storm::worker {
namespace {

using ByTarget = std::map<std::uint32_t, std::vector<std::uint64_t>>;

/// The numbers in the second words of rows, by target task.
ByTarget read(Batch& batch, std::uint32_t source, std::size_t& runs) {
    ByTarget numbers;
    runs = 0;
    for (const wire::Run& run : wire::runs_of({batch.bytes(), batch.used})) {
        ++runs;
        RC_ASSERT(run.header.source_task == source);
        const std::byte* at = run.rows.data();
        for (std::uint32_t i = 0; i < run.header.count; ++i) {
            numbers[run.header.target_task].push_back(detail::load<std::uint64_t>(at + 8));
            at += detail::load<std::uint64_t>(at);
        }
        RC_ASSERT(at == run.rows.data() + run.rows.size());
    }
    return numbers;
}

RC_GTEST_PROP(Regroup, KeepsTheRowsOfEachTargetAndTheirOrder, (std::uint64_t seed)) {
    base::Random random(seed);
    CommonPool common;
    BatchPool pool(common);
    Regroup regroup;
    for (int round = 0; round < 5; ++round) {  // It is used for one batch after the other.
        Outbox outbox(common, 1, 1 << 20);
        const auto targets = static_cast<std::uint32_t>(1 + random.below(300));
        for (std::uint64_t i = 0; outbox.closed().empty(); ++i) {
            const std::size_t bytes = 16 + 8 * random.below(random.below(30) == 0 ? 300 : 4);
            const auto target = static_cast<TaskId>(1 + random.below(targets));
            std::byte* const row = outbox.place(outbox.lane(0), run_key(9, target), bytes);
            detail::store(row, std::uint64_t{bytes});
            detail::store(row + 8, i);
            outbox.wrote(outbox.lane(0), bytes);
        }
        Batch* const batch = outbox.closed().front().batch;
        std::size_t runs = 0;
        const ByTarget wanted = read(*batch, 9, runs);

        Batch* const made = regroup.apply(*batch, pool);

        RC_ASSERT(read(*made, 9, runs) == wanted);
        RC_ASSERT(runs == wanted.size());
        RC_ASSERT(made->used <= batch->used);
        pool.give(made);
    }
}

TEST(Regroup, PaysForManyShortRunsOnly) {
    EXPECT_TRUE(Regroup::worth_while(400, 400));
    EXPECT_FALSE(Regroup::worth_while(4, 4));
    EXPECT_FALSE(Regroup::worth_while(100, 400));
}

}  // namespace
}  // namespace storm::worker

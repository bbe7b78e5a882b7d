// Goal:   rows leave an outbox in the order in which they came, between the tasks they were for, in
//         batches no larger than need be; and it knows when its executor has to wait.
// Method: rows written as tasks write them, and read back from the closed batches.

#include "worker/queue/outbox.h"

#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "wire/batch.h"

namespace storm::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kOvershoot = 64 * 1024;

/// A row as far as an outbox knows: its first word says how long it is. Here the second one is a
/// number.
constexpr std::size_t kRowMin = 16;

struct OutboxTest {
    CommonPool common;
    BatchPool pool{common};
    Outbox outbox{common, 3, kOvershoot};

    void write(std::uint32_t loop, std::uint64_t key, std::uint64_t number,
               std::size_t bytes = kRowMin) {
        Lane& lane = outbox.lane(loop);
        std::byte* const row = outbox.place(lane, key, bytes);
        detail::store(row, std::uint64_t{bytes});
        detail::store(row + 8, number);
        outbox.wrote(lane, bytes);
    }

    struct Read {
        std::uint64_t key = 0;
        std::vector<std::uint64_t> numbers;

        friend bool operator==(const Read&, const Read&) = default;
        friend void PrintTo(const Read& run, std::ostream* out) {
            *out << run.key << ": " << ::testing::PrintToString(run.numbers);
        }
    };
    static std::vector<Read> read(Batch& batch) {
        std::vector<Read> runs;
        for (const wire::Run& run : wire::runs_of({batch.bytes(), batch.used})) {
            Read& row_run = runs.emplace_back();
            row_run.key = run_key(static_cast<TaskId>(run.header.source_task),
                                  static_cast<TaskId>(run.header.target_task));
            const std::byte* at = run.rows.data();
            for (std::uint32_t i = 0; i < run.header.count; ++i) {
                row_run.numbers.push_back(detail::load<std::uint64_t>(at + 8));
                at += detail::load<std::uint64_t>(at);
            }
            EXPECT_EQ(at, run.rows.data() + run.rows.size());
        }
        return runs;
    }
    /// The runs of all closed batches, by loop; gives the batches back.
    std::map<std::uint32_t, std::vector<Read>> take_closed() {
        std::map<std::uint32_t, std::vector<Read>> by_loop;
        for (const Outbox::Closed& closed : outbox.closed()) {
            const std::vector<Read> runs = read(*closed.batch);
            std::uint32_t rows = 0;
            for (const Read& run : runs) rows += static_cast<std::uint32_t>(run.numbers.size());
            EXPECT_EQ(closed.runs, runs.size());
            EXPECT_EQ(closed.rows, rows);
            auto& all = by_loop[closed.destination];
            all.insert(all.end(), runs.begin(), runs.end());
            pool.give(closed.batch);
        }
        outbox.handed_over();
        return by_loop;
    }
};

struct OutboxRows : ::testing::Test, OutboxTest {};

TEST_F(OutboxRows, ConsecutiveRowsBetweenTheSameTasksAreOneRun) {
    const std::uint64_t ab = run_key(1, 2);
    const std::uint64_t ac = run_key(1, 3);
    write(0, ab, 1);
    write(0, ab, 2);
    write(0, ac, 3);
    write(0, ab, 4);
    outbox.close_all();

    EXPECT_THAT(take_closed()[0], ElementsAre(Read{ab, {1, 2}}, Read{ac, {3}}, Read{ab, {4}}));
}

TEST_F(OutboxRows, EachLoopHasALaneOfItsOwn) {
    write(0, run_key(1, 2), 1);
    write(2, run_key(1, 3), 2);
    write(0, run_key(1, 2), 3);
    outbox.close_all();

    auto closed = take_closed();
    EXPECT_THAT(closed[0], ElementsAre(Read{run_key(1, 2), {1, 3}}));
    EXPECT_THAT(closed[2], ElementsAre(Read{run_key(1, 3), {2}}));
    EXPECT_THAT(closed, SizeIs(2));
}

TEST_F(OutboxRows, NothingIsClosedBeforeABatchIsFull) {
    std::size_t rows = 0;
    while (outbox.closed().empty()) write(0, run_key(1, 2), ++rows);

    EXPECT_EQ(rows, (kBatchBytes - sizeof(wire::RunHeader)) / kRowMin + 1);
    EXPECT_TRUE(outbox.interrupted());
    EXPECT_TRUE(outbox.has_open()) << "the row that did not fit";
    EXPECT_THAT(take_closed()[0].front().numbers, SizeIs(rows - 1));
}

TEST_F(OutboxRows, ARowLargerThanABatchGetsOneOfItsOwn) {
    write(0, run_key(1, 2), 1);
    write(0, run_key(1, 2), 2, 1'000'000);
    write(0, run_key(1, 2), 3);
    outbox.close_all();

    ASSERT_THAT(outbox.closed(), SizeIs(3));
    EXPECT_THAT(take_closed()[0], ElementsAre(Read{run_key(1, 2), {1}}, Read{run_key(1, 2), {2}},
                                              Read{run_key(1, 2), {3}}));
}

TEST_F(OutboxRows, ARowThatWasPlacedButNotWrittenLeavesNoTrace) {
    write(0, run_key(1, 2), 1);
    outbox.place(outbox.lane(0), run_key(1, 3), kRowMin);  // Refused afterwards.
    write(0, run_key(1, 2), 2);
    outbox.place(outbox.lane(0), run_key(1, 3), 100'000);
    outbox.place(outbox.lane(1), run_key(1, 4), kRowMin);
    outbox.close_all();

    auto closed = take_closed();
    EXPECT_THAT(closed[0], ElementsAre(Read{run_key(1, 2), {1}}, Read{run_key(1, 2), {2}}));
    EXPECT_THAT(closed[1], IsEmpty());
}

TEST_F(OutboxRows, ItIsOverfullWithMoreThanTheOvershootClosed) {
    std::uint64_t number = 0;
    while (!outbox.overfull()) write(0, run_key(1, 2), ++number, 1'024);

    EXPECT_GE(number * 1'024, kOvershoot);
    EXPECT_LE(number * 1'024, kOvershoot + 2 * kBatchBytes);
    take_closed();
    EXPECT_FALSE(outbox.overfull());
}

TEST_F(OutboxRows, HandedOverItCanGoOnWithBatchesFromItsLoop) {
    outbox.stock(pool);
    for (int round = 0; round < 3; ++round) {
        for (std::uint64_t i = 0; i < 3'000; ++i) write(i % 3 == 0 ? 1 : 2, run_key(5, 6), i);
        outbox.close_all();
        std::size_t rows = 0;
        for (const auto& [loop, runs] : take_closed()) {
            for (const Read& run : runs) rows += run.numbers.size();
        }
        EXPECT_EQ(rows, 3'000);
        EXPECT_FALSE(outbox.has_open());
        EXPECT_FALSE(outbox.interrupted());
    }
    outbox.unstock(pool);
}

RC_GTEST_PROP(OutboxProperty, RowsOfEachPairOfTasksComeOutAsTheyWentIn, (std::uint64_t seed)) {
    OutboxTest test;
    base::Random random(seed);
    std::map<std::uint64_t, std::vector<std::uint64_t>> wanted;
    std::map<std::uint64_t, std::vector<std::uint64_t>> got;
    const auto take = [&] {
        for (const auto& [loop, runs] : test.take_closed()) {
            for (const auto& run : runs) {
                RC_ASSERT((run.key & 0xFFFF'FFFF) % 3 == loop);
                RC_ASSERT(!run.numbers.empty());
                got[run.key].insert(got[run.key].end(), run.numbers.begin(), run.numbers.end());
            }
        }
    };
    for (std::uint64_t i = 0; i < 3'000; ++i) {
        const auto target = static_cast<TaskId>(1 + random.below(5));
        const std::uint64_t key = run_key(static_cast<TaskId>(10 + random.below(2)), target);
        const auto loop = static_cast<std::uint32_t>(target) % 3;
        const std::size_t bytes = kRowMin + 8 * random.below(random.below(100) == 0  ? 5'000
                                                             : random.below(10) == 0 ? 400
                                                                                     : 8);
        if (random.below(50) == 0) {
            test.outbox.place(test.outbox.lane(loop), key, bytes);
        } else {
            test.write(loop, key, i, bytes);
            wanted[key].push_back(i);
        }
        if (random.below(200) == 0) test.outbox.close_all();
        if (random.below(20) == 0) take();
    }
    test.outbox.close_all();
    take();
    RC_ASSERT(got == wanted);
}

// ---- Waiting -----------------------------------------------------------------------------------

/// Two channels, and routes over both of them.
struct OutboxCredit : ::testing::Test, OutboxTest {
    CreditReceiver first_end{100};
    CreditReceiver second_end{100};
    Sender first{&first_end, nullptr};
    Sender second{&second_end, nullptr};
    RouteCredit shuffle{.targets = 2, .may_choose = true};
    RouteCredit fields{.targets = 2};

    void use_up(Sender& sender) {
        if (sender.credit.send(100)) outbox.exhausted(sender);
    }
};

TEST_F(OutboxCredit, AShuffleIsBlockedOnlyWhenAllItsTargetsAre) {
    first.routes = {&shuffle};
    second.routes = {&shuffle};

    use_up(first);
    EXPECT_FALSE(outbox.blocked());
    EXPECT_TRUE(outbox.interrupted());
    use_up(second);
    EXPECT_TRUE(outbox.blocked());
}

TEST_F(OutboxCredit, OtherGroupingsAreBlockedWhenOneTargetIs) {
    first.routes = {&fields};
    second.routes = {&fields};

    use_up(second);

    EXPECT_TRUE(outbox.blocked());
}

TEST_F(OutboxCredit, AChannelToTwoTasksOfAShuffleCountsForBoth) {
    first.routes = {&shuffle, &shuffle};

    use_up(first);

    EXPECT_TRUE(outbox.blocked());
}

TEST_F(OutboxCredit, RefreshEndsTheWaitWhenThereIsCreditAndAsksToBeToldWhenThereIsNone) {
    first.routes = {&fields};
    second.routes = {&fields};
    use_up(first);
    use_up(second);

    EXPECT_FALSE(outbox.refresh());
    EXPECT_TRUE(first_end.consume(50)) << "it was asked for";
    EXPECT_FALSE(outbox.refresh()) << "the other one is still used up";
    EXPECT_TRUE(second_end.consume(50));
    EXPECT_TRUE(outbox.refresh());
    EXPECT_FALSE(outbox.blocked());
    EXPECT_FALSE(outbox.interrupted());
}

TEST_F(OutboxCredit, NobodyWaitsForOneThatIsGone) {
    first.routes = {&fields};
    second.routes = {&fields};
    use_up(first);
    use_up(second);

    first_end.give_up();
    EXPECT_FALSE(outbox.refresh()) << "there is still the other one";
    EXPECT_TRUE(second_end.consume(100));

    EXPECT_TRUE(outbox.refresh());
    use_up(first);
    EXPECT_FALSE(outbox.blocked());
    use_up(second);
    EXPECT_TRUE(outbox.blocked());
}

TEST_F(OutboxCredit, AShuffleWaitsForThoseThatAreNotGone) {
    first.routes = {&shuffle};
    second.routes = {&shuffle};
    use_up(first);
    use_up(second);

    first_end.give_up();
    EXPECT_FALSE(outbox.refresh());
    EXPECT_TRUE(second_end.consume(100));
    EXPECT_TRUE(outbox.refresh());
    EXPECT_TRUE(first.credit.exhausted()) << "it takes the other one";
    use_up(second);
    EXPECT_TRUE(outbox.blocked());
    second_end.give_up();

    EXPECT_TRUE(outbox.refresh()) << "it has nobody to wait for";
}

TEST_F(OutboxCredit, AChannelMayBeUsedUpAgainAndAgain) {
    first.routes = {&shuffle, &fields};
    second.routes = {&shuffle};
    for (int i = 0; i < 5; ++i) {
        use_up(first);
        use_up(second);
        ASSERT_TRUE(outbox.blocked());
        ASSERT_FALSE(outbox.refresh());
        ASSERT_TRUE(first_end.consume(100));
        ASSERT_TRUE(outbox.refresh());
        ASSERT_EQ(shuffle.exhausted, 1);
        ASSERT_TRUE(second_end.consume(100));
        ASSERT_TRUE(outbox.refresh());
        ASSERT_EQ(shuffle.exhausted, 0);
        ASSERT_EQ(fields.exhausted, 0);
    }
}

}  // namespace
}  // namespace storm::worker

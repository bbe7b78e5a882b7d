// Batches and control records from a hostile peer: everything wrong is refused, and nothing of a
// frame with a fault gets into a loop.
#include "worker/transport/inbound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wire/refusal.h"
#include "tests/worker/transport/one_worker.h"
#include "worker/queue/source_started.h"
#include "worker/transport/limits.h"

namespace storm::testing {
namespace {

using ::testing::HasSubstr;
using Bytes = std::vector<std::byte>;

class InboundTest : public ::testing::Test {
protected:
    std::string refusal(const Bytes& runs) { return wire::refusal_of(in.take_batch(runs)); }
    /// A good run, and behind it this one.
    std::string refusal_behind(const Bytes& bad) {
        Bytes both = one.good_run();
        both.insert(both.end(), bad.begin(), bad.end());
        std::string why = refusal(both);
        EXPECT_TRUE(one.engine.shared().entrance(0).batches.empty())
            << "nothing of a bad batch is used";
        EXPECT_EQ(one.engine.shared().pool.bytes_in_flight, 0);
        return why;
    }
    static Bytes control(const wire::ControlRow& what) {
        Bytes row(wire::kControlRowBytesMax);
        row.resize(wire::write_control_row(what, row.data()));
        return row;
    }
    void tell(TaskId source, TaskId target, const wire::ControlRow& what) {
        EXPECT_EQ(refusal(OneWorker::run(source, target, control(what))), "");
    }
    std::string control_refusal(std::vector<wire::ControlRecord> records) {
        return wire::refusal_of(in.check_control(std::as_bytes(std::span(records))));
    }

    OneWorker one;
    worker::Inbound in{one.engine.shared(), 0};
    const TaskId from = one.task("numbers", 0);
    const TaskId to = one.task("pass", 1);
};

TEST_F(InboundTest, WhatTheTopologyAllowsGetsIntoALoop) {
    EXPECT_EQ(refusal(one.good_run()), "");

    EXPECT_FALSE(one.engine.shared().entrance(0).batches.empty());
    EXPECT_GT(one.engine.shared().pool.bytes_in_flight, 0);
}

TEST_F(InboundTest, TasksThatDoNotSendOrAreNotHereAreRefused) {
    const Bytes row = OneWorker::row();
    const TaskId none = 1'000;
    for (const auto& [source, target] : std::vector<std::pair<TaskId, TaskId>>{
             {0, to},
             {from, 0},
             {none, to},
             {from, none},
             {-1, to},
             {from, -1},
             {one.task("numbers", 1), to},                    // Of this worker itself.
             {from, one.task("pass", 0)},                     // To itself.
             {from, one.task("sink", 1)},                     // Not subscribed.
             {one.task("sink", 0), to},                       // Sends nothing.
             {one.task("pass", 0), one.task("numbers", 1)}})  // Into a spout.
        EXPECT_THAT(refusal_behind(OneWorker::run(source, target, row)),
                    ::testing::AnyOf(HasSubstr("a run from"), HasSubstr("task is none")))
            << source << " to " << target;
}

TEST_F(InboundTest, StreamsAndFieldCountsMustBeThoseOfTheTopology) {
    EXPECT_THAT(refusal_behind(OneWorker::run(from, to, OneWorker::row(0, {7}, 1))),
                HasSubstr("does not subscribe"));
    EXPECT_THAT(refusal_behind(OneWorker::run(from, to, OneWorker::row(0, {7}, 0xfffe))),
                HasSubstr("does not subscribe"));
    EXPECT_THAT(refusal_behind(OneWorker::run(from, to, OneWorker::row(0, {}))),
                HasSubstr("another number of values"));
    EXPECT_THAT(refusal_behind(OneWorker::run(from, to, OneWorker::row(0, {7, 8}))),
                HasSubstr("another number of values"));
}

TEST_F(InboundTest, RootsMustBeOfSpoutTasks) {
    for (const TaskId task : {TaskId{0}, to, TaskId{1'000}}) {
        const std::uint64_t root = OneWorker::root_of(task);
        EXPECT_THAT(refusal_behind(OneWorker::run(from, to, OneWorker::row(root))),
                    HasSubstr("a root of no spout task"));
    }
}

TEST_F(InboundTest, OfControlRowsOnlyTheEndOfAStreamIsTaken) {
    Bytes row(wire::kControlRowBytesMax);
    for (const wire::ControlRow& control :
         {wire::ControlRow(wire::Barrier{1}), wire::ControlRow(wire::Watermark{1}),
          wire::ControlRow(wire::Switch{1, 2})}) {
        Bytes some(row);
        some.resize(wire::write_control_row(control, some.data()));
        EXPECT_THAT(refusal_behind(OneWorker::run(from, to, some)),
                    HasSubstr("nobody has agreed on"));
    }
    // The mark that this worker makes itself (source_started.h) cannot come from elsewhere.
    const Bytes mark = [] {
        wire::RowBytes bytes;
        bytes.add(std::uint64_t{8} | std::uint64_t{detail::kRowControl} << 24 |
                  std::uint64_t{0xffff} << 32);
        return bytes.take();
    }();
    EXPECT_NE(refusal_behind(OneWorker::run(from, to, mark)), "");
    row.resize(wire::write_control_row(wire::Eos{}, row.data()));
    EXPECT_EQ(refusal(OneWorker::run(from, to, row)), "");
}

TEST_F(InboundTest, WhatIsFarBeyondItsCreditIsRefused) {
    const Bytes large = OneWorker::row(0, {std::string(1 << 20, 'x')});
    // Not an int64, but that is the business of whoever reads it.
    std::uint64_t taken = 0;
    std::string why;
    while (why.empty() && taken < (1U << 30)) {
        why = refusal(OneWorker::run(from, to, large));
        if (why.empty()) taken += large.size();
    }
    EXPECT_THAT(why, HasSubstr("more than its credit allows"));
    EXPECT_LE(taken, one.engine.shared().limits.window_bytes_elsewhere +
                         one.engine.shared().limits.overshoot_bytes + 3 * detail::kRowBytesMax +
                         worker::kBeyondCreditBytesMax);
    // And stays so.
    EXPECT_NE(refusal(OneWorker::run(from, to, large)), "");
}

TEST_F(InboundTest, WhoGoesBeyondItsCreditAndOneCallIsOverfullUntilItHasTheCredit) {
    const Bytes large = OneWorker::row(0, {std::string(1 << 20, 'x')});
    const std::uint64_t allowed = one.engine.shared().limits.window_bytes_elsewhere +
                                  one.engine.shared().limits.overshoot_bytes +
                                  3 * OneWorker::kTupleBytesMax;
    std::uint64_t taken = 0;
    for (; taken + large.size() <= allowed; taken += large.size()) {
        ASSERT_EQ(refusal(OneWorker::run(from, to, large)), "");
        ASSERT_FALSE(in.overfull()) << taken;
    }
    ASSERT_EQ(refusal(OneWorker::run(from, to, large)), "");
    EXPECT_TRUE(in.overfull());

    static_cast<void>(
        one.engine.shared().executor_of(to).channel(from).credit.consume(large.size()));
    EXPECT_FALSE(in.overfull());
}

TEST_F(InboundTest, ALoopGetsABatchOfWhatIsForIt) {
    Bytes runs = one.good_run();
    for (int i = 0; i < 1'000; ++i) {
        const Bytes more = one.good_run();
        runs.insert(runs.end(), more.begin(), more.end());
    }
    ASSERT_EQ(refusal(runs), "");

    one.engine.shared().entrance(0).batches.take_all([&](worker::Batch* batch) {
        EXPECT_EQ(batch->used, runs.size());
        EXPECT_LE(batch->capacity, std::max(runs.size(), std::size_t{worker::kBatchBytes}));
        one.engine.shared().pool.bytes_in_flight.fetch_sub(batch->used);
        one.engine.shared().pool.give(batch);
    });
}

TEST_F(InboundTest, EveryBatchThatIsCutOffIsRefused) {
    const Bytes good = one.good_run();
    for (std::size_t size = 8; size < good.size(); size += 8) {
        EXPECT_NE(
            refusal_behind(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))),
            "")
            << size;
    }
}

TEST_F(InboundTest, AcksAreOnlyForRootsOfSpoutsHereAndAllOrNothing) {
    const std::uint64_t own = OneWorker::root_of(one.task("numbers", 1));

    EXPECT_EQ(control_refusal({wire::make_ack(own, 1), wire::make_fail(own, FailReason::kException),
                               wire::make_reset(own), wire::make_held(own, 1)}),
              "");
    for (const std::uint64_t other :
         {OneWorker::root_of(one.task("numbers", 0)), OneWorker::root_of(to),
          OneWorker::root_of(1'000), OneWorker::root_of(0), ~std::uint64_t{0}}) {
        EXPECT_NE(control_refusal({wire::make_ack(own, 1), wire::make_ack(other, 1)}), "");
        EXPECT_NE(control_refusal({wire::make_reset(other)}), "");
        EXPECT_NE(control_refusal({wire::make_held(other, 1)}), "");
        EXPECT_NE(control_refusal({wire::make_fail(other, FailReason::kTimedOut)}), "");
    }
    EXPECT_TRUE(one.engine.shared().entrance(0).control.empty());
    const std::vector<wire::ControlRecord> good = {wire::make_ack(own, 1)};
    in.take_control(std::as_bytes(std::span(good)));
    EXPECT_FALSE(one.engine.shared().entrance(0).control.empty());
}

TEST_F(InboundTest, InANewLifeThePeerCountsFromZeroAndMarksAreNotItsOwn) {
    const std::uint64_t window = one.engine.shared().limits.window_bytes_elsewhere;
    const std::uint64_t channel = one.channel("numbers", 0, "pass", 1);
    const auto credit = [&] {
        for (const worker::CreditRecord& record : in.all_credits())
            if (record.channel == channel) return in.credit(record).limit;
        return std::uint64_t{0};
    };
    EXPECT_EQ(credit(), window);

    ASSERT_EQ(refusal(one.good_run()), "");
    in.start_life();

    // The rows of the old life, and the mark, have not been consumed yet.
    const std::uint64_t unconsumed = one.good_run().size() - sizeof(wire::RunHeader) + 8;
    EXPECT_EQ(credit(), window - unconsumed);
}

TEST_F(InboundTest, APeerHasEndedWhenAllItsTasksHaveToldAllThatListen) {
    EXPECT_FALSE(in.all_ended());
    tell(from, to, wire::Ending{});
    tell(from, to, wire::Eos{});
    tell(from, to, wire::Eos{});  // To be sure.
    EXPECT_FALSE(in.all_ended()) << "the bolt there has not";
    tell(one.task("pass", 0), one.task("sink", 1), wire::Eos{});
    EXPECT_TRUE(in.all_ended());

    tell(from, to, wire::Reopen{});
    EXPECT_FALSE(in.all_ended());
    tell(from, to, wire::Eos{});
    EXPECT_TRUE(in.all_ended());

    in.start_life();
    EXPECT_FALSE(in.all_ended());
}

TEST_F(InboundTest, AnEndInABadBatchIsNone) {
    tell(one.task("pass", 0), one.task("sink", 1), wire::Eos{});
    Bytes bad = OneWorker::run(from, to, control(wire::Eos{}));
    const Bytes run = OneWorker::run(from, 0, OneWorker::row());
    bad.insert(bad.end(), run.begin(), run.end());

    ASSERT_NE(refusal(bad), "");
    ASSERT_EQ(refusal(one.good_run()), "");

    EXPECT_FALSE(in.all_ended());
}

TEST_F(InboundTest, OneThatIsGoneForGoodHasEndedInEveryLife) {
    in.end_sources();
    EXPECT_TRUE(in.all_ended());
    in.start_life();
    tell(from, to, wire::Reopen{});
    EXPECT_TRUE(in.all_ended());

    std::size_t marks = 0;
    one.engine.shared().entrance(0).batches.take_all([&](worker::Batch* batch) {
        if (worker::is_source_started(batch->bytes() + sizeof(wire::RunHeader))) ++marks;
        worker::free_batch(batch);
    });
    EXPECT_EQ(marks, 0) << "nobody is reopened";
}

}  // namespace
}  // namespace storm::testing

// Output for a peer, and the peer's reactions: credits that are too large, too small or for
// nothing; lives that end with batches on their way.
#include "worker/transport/outbound.h"

#include <gtest/gtest.h>

#include "tests/worker/transport/one_worker.h"
#include "wire/frame.h"
#include "worker/wiring/limits.h"

namespace storm::testing {
namespace {

class OutboundTest : public ::testing::Test {
protected:
    OutboundTest() {
        for (const auto& [id, found] : executor().receivers_elsewhere())
            if (id == channel) receiver = found;
    }
    worker::Executor& executor() { return engine.shared().executor_of(one.task("numbers", 1)); }
    /// As a loop hands it over.
    std::size_t push_batch(std::uint64_t root = 0) {
        const auto run =
            OneWorker::run(one.task("numbers", 1), one.task("pass", 0), OneWorker::row(root));
        worker::Batch* const batch = engine.shared().pool.take(run.size());
        std::memcpy(batch->bytes(), run.data(), run.size());
        batch->used = static_cast<std::uint32_t>(run.size());
        engine.shared().pool.bytes_in_flight.fetch_add(batch->used);
        if (root == 0) {
            executor().sent_kinds.note_untracked();
        } else {
            executor().sent_kinds.note_other();
        }
        engine.shared().peers[0]->batches.push(batch);
        out.collect();
        return run.size() - sizeof(wire::RunHeader);
    }
    std::vector<wire::ControlRecord> next_records() { return out.control_frame(1, in).records; }

    OneWorker one;
    worker::Engine& engine = one.engine;
    worker::Inbound in{engine.shared(), 0};
    worker::Outbound out{engine.shared(), 0, 1};
    const std::uint64_t channel = one.channel("numbers", 1, "pass", 0);
    const std::uint64_t window = worker::window_bytes_of(engine.wiring(), 0);
    worker::CreditReceiver* receiver = nullptr;
};

TEST_F(OutboundTest, OnlyChannelsThatThereAreHaveCredit) {
    EXPECT_TRUE(out.has_channel(channel));
    EXPECT_FALSE(out.has_channel(one.channel("numbers", 0, "pass", 1)));
    EXPECT_FALSE(out.has_channel(one.channel("numbers", 1, "sink", 0)));
    EXPECT_FALSE(out.has_channel(~std::uint64_t{0}));
    ASSERT_NE(receiver, nullptr);
    EXPECT_EQ(receiver->limit(), 0);
}

TEST_F(OutboundTest, CreditGrowsNoFurtherThanAWindowWhateverThePeerSays) {
    out.start_life({});
    out.granted(channel, ~std::uint64_t{0});
    EXPECT_EQ(receiver->limit(), worker::kWindowBytesMaxElsewhere);

    const std::size_t bytes = push_batch();
    worker::Shipment shipment = out.batch_frame(1);
    out.granted(channel, ~std::uint64_t{0});
    EXPECT_EQ(receiver->limit(), worker::kWindowBytesMaxElsewhere + bytes);
    // It cannot be wrapped around either, in a later life.
    out.start_life({});
    out.granted(channel, ~std::uint64_t{0} - 1);
    EXPECT_EQ(receiver->limit(), worker::kWindowBytesMaxElsewhere + bytes);
    out.release(shipment, false);
}

TEST_F(OutboundTest, WithALifeItsCreditEndsUntilTheNextOneGrantsSome) {
    out.start_life({});
    out.granted(channel, 4'096);
    const std::size_t bytes = push_batch();
    worker::Shipment shipment = out.batch_frame(1);

    out.end_life();
    EXPECT_EQ(receiver->limit(), 0);
    out.release(shipment, true);
    out.start_life({});
    EXPECT_EQ(receiver->limit(), 0);
    out.granted(channel, 2'048);

    EXPECT_EQ(receiver->limit(), bytes + 2'048);
}

TEST_F(OutboundTest, ANewLifeAtOnceHasOnlyTheCreditThatItGrants) {
    out.start_life({});
    out.granted(channel, 4'096);

    out.start_life({});

    EXPECT_EQ(receiver->limit(), 0);
}

TEST_F(OutboundTest, WhatALostWorkerWasOwedIsNobodysButItsSuccessorLearnsItsCredit) {
    const std::uint64_t theirs = one.channel("numbers", 0, "pass", 1);
    out.start_life({});
    worker::ControlBatch* const owed = engine.shared().controls.take();
    owed->acks.push_back({OneWorker::root_of(one.task("numbers", 0)), 1});
    owed->fails.push_back({OneWorker::root_of(one.task("numbers", 0)), FailReason::kException, {}});
    engine.shared().peers[0]->control.push(owed);
    out.collect();
    ASSERT_TRUE(out.has_control());

    out.end_life();
    EXPECT_FALSE(out.has_control());
    out.start_life({{theirs, 300}});

    EXPECT_EQ(next_records(), std::vector{wire::make_credit(theirs, 300)});
}

TEST_F(OutboundTest, UntrackedRowsThatAreLostWithAWorkerAreCountedAsDropped) {
    out.start_life({});
    push_batch();
    push_batch(OneWorker::root_of(one.task("numbers", 1)));
    for (const std::uint64_t sequence : {1U, 2U}) {
        worker::Shipment shipment = out.batch_frame(sequence);
        out.release(shipment, true);
    }
    out.count_unexecuted();

    const auto counts = engine.snapshot();
    EXPECT_EQ(counts[0].id, "numbers");
    EXPECT_EQ(counts[0].dropped, 1);
}

TEST_F(OutboundTest, UntrackedRowsThatALostWorkerHadTakenAndNotExecutedAreCountedAsDropped) {
    constexpr int kRows = 1'000;
    out.start_life({});
    out.granted(channel, window);
    std::size_t bytes = 0;
    for (std::uint64_t sequence = 1; sequence <= kRows; ++sequence) {
        bytes = push_batch();
        worker::Shipment shipment = out.batch_frame(sequence);
        out.release(shipment, false);
    }
    out.granted(channel, window + 600 * bytes);
    out.end_life();
    out.count_unexecuted();

    const std::uint64_t dropped = engine.snapshot()[0].dropped;
    EXPECT_GE(dropped, 400);
    EXPECT_LT(dropped, 600);
}

TEST_F(OutboundTest, RowsOfAFormerLifeThatThePeerStillExecutesAreNotTakenForThoseOfThisOne) {
    out.start_life({});
    // Half a window of former rows waits there, so that much less is granted.
    out.granted(channel, window / 2);
    constexpr int kRows = 1'000;
    for (std::uint64_t sequence = 1; sequence <= kRows; ++sequence) {
        push_batch();
        worker::Shipment shipment = out.batch_frame(sequence);
        out.release(shipment, false);
    }
    out.granted(channel, window);  // It has executed the former ones, and none of these.
    out.end_life();
    out.count_unexecuted();

    EXPECT_EQ(engine.snapshot()[0].dropped, kRows);
}

TEST_F(OutboundTest, NothingIsLostWithAWorkerThatHasExecutedAll) {
    for (int life = 0; life < 2; ++life) {
        out.start_life({});
        out.granted(channel, window);
        const std::size_t bytes = push_batch();
        worker::Shipment shipment = out.batch_frame(1);
        out.release(shipment, false);
        EXPECT_TRUE(out.has_unexecuted());
        out.granted(channel, window + bytes);
        EXPECT_FALSE(out.has_unexecuted());

        out.end_life();
        out.count_unexecuted();

        EXPECT_EQ(engine.snapshot()[0].dropped, 0);
    }
}

TEST_F(OutboundTest, WhatAFormerLifeHadNotExecutedIsNotLostAgain) {
    out.start_life({});
    push_batch();
    worker::Shipment shipment = out.batch_frame(1);
    out.release(shipment, false);
    out.start_life({});

    out.count_unexecuted();

    EXPECT_EQ(engine.snapshot()[0].dropped, 0);
}

TEST_F(OutboundTest, CreditDoesNotMoveBackWithinALife) {
    out.start_life({});
    out.granted(channel, 2'000);
    out.granted(channel, 1'000);
    EXPECT_EQ(receiver->limit(), 2'000);
}

TEST_F(OutboundTest, InANewLifeCreditCountsFromWhatWasShippedBefore) {
    out.start_life({});
    const std::size_t bytes = push_batch();
    worker::Shipment shipment = out.batch_frame(1);
    out.release(shipment, true);

    out.start_life({});
    out.granted(channel, 4'096);

    EXPECT_EQ(receiver->limit(), bytes + 4'096);
}

TEST_F(OutboundTest, CreditsOfAFormerLifeAreNotTold) {
    const std::uint64_t theirs = one.channel("numbers", 0, "pass", 1);
    out.start_life({{theirs, 100}});  // And it ends before anything could be sent.
    out.start_life({{theirs, 300}});
    ASSERT_TRUE(out.has_control());

    const std::vector<wire::ControlRecord> records = next_records();

    ASSERT_EQ(records.size(), 1);
    EXPECT_EQ(records[0], wire::make_credit(theirs, 300));
    EXPECT_FALSE(out.has_control());
}

TEST_F(OutboundTest, AControlFrameHoldsNoMoreThanItsLimit) {
    for (std::uint64_t i = 0; i < wire::kControlRecordsMax + 10; ++i)
        out.add(wire::make_fenced(0, i));

    const std::vector<wire::ControlRecord> first = next_records();
    const std::vector<wire::ControlRecord> rest = next_records();

    EXPECT_EQ(first.size(), wire::kControlRecordsMax);
    ASSERT_EQ(rest.size(), 10);
    EXPECT_EQ(rest.front().amount, wire::kControlRecordsMax);  // In order.
    EXPECT_FALSE(out.has_control());
}

TEST_F(OutboundTest, WhatIsLostFailsItsTreesAndIsNoLongerInFlight) {
    push_batch(OneWorker::root_of(one.task("numbers", 1)));
    push_batch();
    worker::Shipment lost = out.batch_frame(1);
    worker::Shipment taken = out.batch_frame(2);
    EXPECT_GT(engine.shared().pool.bytes_in_flight, 0);

    out.release(lost, true);
    out.release(taken, false);
    out.release(taken, false);  // It has nothing any more.

    EXPECT_EQ(engine.shared().pool.bytes_in_flight, 0);
    std::size_t fails = 0;
    engine.shared().entrance(0).control.take_all([&](worker::ControlBatch* control) {
        for (const worker::FailRecord& fail : control->fails)
            if (fail.reason == FailReason::kWorkerLost) ++fails;
        control->clear();
        engine.shared().controls.give(control);
    });
    EXPECT_EQ(fails, 1);
}

TEST_F(OutboundTest, WhatIsForOneThatIsGoneForGoodIsLostAndNobodyWaitsForIt) {
    push_batch();
    EXPECT_FALSE(out.has_dropped());

    out.give_up();
    EXPECT_TRUE(out.has_dropped());
    push_batch();
    push_batch(OneWorker::root_of(one.task("numbers", 1)));

    EXPECT_FALSE(out.has_batches());
    EXPECT_EQ(engine.snapshot()[0].dropped, 2);
    EXPECT_FALSE(engine.shared().entrance(0).control.empty()) << "the tracked one fails";
    EXPECT_EQ(engine.shared().pool.bytes_in_flight, 0);
    EXPECT_EQ(receiver->limit(), worker::CreditReceiver::kUnlimited);
    EXPECT_TRUE(executor().entry.resumed) << "it may wait for that";
}

TEST_F(OutboundTest, WhoIsGoneForGoodIsSoInEveryLife) {
    out.give_up();
    EXPECT_FALSE(out.has_dropped()) << "there was nothing";

    out.end_life();
    out.start_life({});
    out.granted(channel, 4'096);
    push_batch();

    EXPECT_FALSE(out.has_batches());
    EXPECT_EQ(receiver->limit(), worker::CreditReceiver::kUnlimited);
}

TEST_F(OutboundTest, FailsAndResetsForAnUnreachablePeerAreMergedByRoot) {
    const std::uint64_t root = OneWorker::root_of(one.task("numbers", 0));
    for (int i = 0; i < 50'000; ++i) {
        worker::ControlBatch* const owed = engine.shared().controls.take();
        owed->fails.push_back({root, FailReason::kException, {}});
        engine.shared().peers[0]->control.push(owed);
        if (i % 100 == 0) out.collect();
    }
    out.start_life({});

    std::size_t frames = 0;
    while (out.has_control()) {
        next_records();
        ++frames;
    }
    EXPECT_LE(frames, 5 + 2 * worker::kAckMergeMin / wire::kControlRecordsMax);
}

TEST_F(OutboundTest, WhatAnUnreachablePeerIsOwedIsMergedByRoot) {
    constexpr std::uint64_t kRoots = 100;
    const TaskId spout = one.task("numbers", 0);
    for (std::uint64_t i = 0; i < 4 * worker::kAckMergeMin; i += 1'000) {
        worker::ControlBatch* const control = engine.shared().controls.take();
        for (std::uint64_t k = i; k < i + 1'000; ++k)
            control->acks.push_back({OneWorker::root_of(spout) + k % kRoots, k});
        engine.shared().peers[0]->control.push(control);
        out.collect();
    }

    std::size_t records = 0;
    while (out.has_control()) records += next_records().size();

    EXPECT_LE(records, worker::kAckMergeMin + 1'000 + kRoots);
}

}  // namespace
}  // namespace storm::testing

// A real worker, number 2 of three, and raw clients that play the two others: who is told that a
// worker is given up, who confirms it, and whose word counts. What the workers decide among
// themselves is tried by simulation (link_test.cc).
#include <atomic>
#include <cstdint>
#include <memory>

#include <gtest/gtest.h>

#include "tests/support/bytes.h"
#include "tests/worker/transport/one_worker.h"
#include "tests/worker/transport/raw_client.h"
#include "wire/control.h"
#include "worker/transport/transport.h"

namespace storm::testing {
namespace {

class FencesTest : public ::testing::Test {
protected:
    FencesTest() {
        auto listening = worker::Transport::listen(
            one.engine.shared(),
            {.topology = kTopology, .secret = kSecret, .worker = 2, .incarnation = 7}, "127.0.0.1",
            0, one.clock, [this] { superseded = true; });
        EXPECT_TRUE(listening);
        transport = std::move(listening).value();
        transport->start();
    }
    ~FencesTest() override {
        transport->close();
        one.engine.stop(base::EventCount::kForever);
    }

    Greeting call(std::uint32_t worker, std::uint64_t incarnation, const wire::Proof& says = {},
                  std::uint64_t epoch = 0) const {
        return greet(transport->port(),
                     {.worker = worker,
                      .incarnation = incarnation,
                      .topology = kTopology,
                      .nonce = base::random_bytes(wire::kNonceBytes),
                      .epoch = epoch},
                     says);
    }
    static void tell(Client& client, std::uint64_t sequence, const wire::ControlRecord& record) {
        const auto bytes = std::as_bytes(std::span(&record, 1));
        client.send(with_bytes(wire::write_control_head(sequence, bytes), bytes));
    }
    /// Whether it says so, among other things.
    static bool hears(Client& client, const wire::ControlRecord& expected) {
        for (;;) {
            const auto frame = client.receive();
            if (!frame) return false;
            const auto* const control = std::get_if<wire::ControlFrame>(&*frame);
            if (control == nullptr) continue;
            for (std::size_t i = 0; i < control->records.size() / sizeof(expected); ++i)
                if (wire::control_record(control->records, i) == expected) return true;
        }
    }
    /// How often the executors here have been told that it is lost.
    int told_lost(std::uint32_t worker) {
        one.engine.shared().entrance(0).control.take_all([&](worker::ControlBatch* taken) {
            for (const worker::PeerEvent& event : taken->peer_events) {
                if (event.kind == worker::PeerEvent::Kind::kLost && event.worker == worker &&
                    event.executor == one.engine.shared().executors[1])
                    ++told_lost_;
            }
            taken->clear();
            one.engine.shared().controls.give(taken);
        });
        return told_lost_;
    }

    OneWorker one{2, 3};
    std::atomic<bool> superseded{false};
    std::unique_ptr<worker::Transport> transport;

private:
    int told_lost_ = 0;
};

TEST_F(FencesTest, TheOthersAreToldWhoIsGivenUpAndSoAreThoseThatComeLater) {
    const Greeting zero = call(0, 1);
    const Greeting old = call(1, 1);

    const Greeting successor = call(1, 2);

    EXPECT_TRUE(hears(*zero.client, wire::make_fenced(1, 1)));
    const Greeting later = call(0, 2);
    EXPECT_TRUE(hears(*later.client, wire::make_fenced(1, 1)));
    EXPECT_TRUE(hears(*successor.client, wire::make_fenced(0, 1)));
}

TEST_F(FencesTest, WhatMayHaveReachedALostWorkerFailsOnceMoreWhenAllOthersHaveConfirmed) {
    const Greeting zero = call(0, 1);
    const Greeting old = call(1, 1);
    EXPECT_EQ(told_lost(1), 0);

    const Greeting successor = call(1, 2);
    ASSERT_TRUE(hears(*zero.client, wire::make_fenced(1, 1)));
    EXPECT_EQ(told_lost(1), 1);
    tell(*zero.client, 1, wire::make_fenced_seen(1, 1));

    EXPECT_TRUE(eventually([&] { return told_lost(1) == 2; }));
}

TEST_F(FencesTest, ItConfirmsWhatItIsTold) {
    const Greeting zero = call(0, 1);
    const Greeting first = call(1, 1);

    tell(*zero.client, 1, wire::make_fenced(1, 1));

    EXPECT_TRUE(hears(*zero.client, wire::make_fenced_seen(1, 1)));
    EXPECT_TRUE(first.client->is_closed_within(milliseconds(5'000)));
    EXPECT_TRUE(call(1, 1).ready.fenced);
    EXPECT_FALSE(superseded);
}

TEST_F(FencesTest, AWorkerThatHasASuccessorIsNotBelievedWhateverItSays) {
    const Greeting old = call(1, 1);
    const Greeting successor = call(1, 2);

    const Greeting back = call(1, 1, {.mac = "", .fenced = true, .live = 9}, 99);

    EXPECT_TRUE(back.ready.fenced);
    EXPECT_TRUE(back.ready.succeeded);
    EXPECT_FALSE(superseded);
}

TEST_F(FencesTest, AWorkerOfAnOlderAssignmentIsNotBelievedEither) {
    const worker::PeerPlace moved{"127.0.0.1", 1, 3};  // Its slot, in the third assignment.
    transport->set_peers({moved, moved, std::nullopt}, 3);

    ASSERT_TRUE(eventually([&] {
        const Greeting back =
            call(1, std::uint64_t{2} << 32, {.mac = "", .fenced = true, .live = 9}, 2);
        if (!back.ready.fenced) return false;  // The assignment is on its way to the thread.
        EXPECT_TRUE(back.ready.succeeded);
        return true;
    }));

    EXPECT_EQ(call(0, std::uint64_t{3} << 32).theirs.epoch, 3);
}

TEST_F(FencesTest, OneThatItHasNotGivenUpIsBelieved) {
    call(1, 1, {.mac = "", .fenced = true});

    EXPECT_TRUE(eventually([&] { return superseded.load(); }));
}

TEST_F(FencesTest, OfTwoThatHaveGivenUpEachOtherTheOneWithMoreLivingWorkersGoesOn) {
    const Greeting zero = call(0, 1);
    const Greeting first = call(1, 1);
    tell(*zero.client, 1, wire::make_fenced(1, 1));
    ASSERT_TRUE(hears(*zero.client, wire::make_fenced_seen(1, 1)));

    const Greeting alone = call(1, 1, {.mac = "", .fenced = true, .live = 0});
    EXPECT_EQ(alone.ready.live, 1);
    EXPECT_FALSE(superseded);
    call(1, 1, {.mac = "", .fenced = true, .live = 2});

    EXPECT_TRUE(eventually([&] { return superseded.load(); }));
}

TEST_F(FencesTest, ANewConnectionOfAPeerEndsTheOneBefore) {
    const Greeting before = call(0, 1);

    const Greeting after = call(0, 1);

    EXPECT_TRUE(before.client->is_closed_within(milliseconds(5'000)));
    EXPECT_FALSE(after.client->is_closed_within(milliseconds(100)));
}

}  // namespace
}  // namespace storm::testing

// Goal:   a sender never sends much more than its window, and one that waits is told as soon as
//         there is credit, whatever order the steps of the two sides come in.
// Method: the two classes driven by hand and at random; and a model of their steps, in which every
//         interleaving is tried, with stores that other threads see late. The model must also find
//         the fault that the fences are there against.

#include "worker/queue/credit.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <set>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"

namespace storm::worker {
namespace {

constexpr std::uint64_t kWindow = 100;

// ---- The classes -------------------------------------------------------------------------------

TEST(Credit, ASenderIsExhaustedWithTheByteThatReachesItsWindow) {
    CreditReceiver receiver(kWindow);
    CreditSender sender(&receiver);

    EXPECT_FALSE(sender.send(99));
    EXPECT_FALSE(sender.exhausted());
    EXPECT_TRUE(sender.send(1));
    EXPECT_TRUE(sender.exhausted());
}

TEST(Credit, OnlyTheRowThatUsesUpTheCreditSaysSo) {
    CreditReceiver receiver(kWindow);
    CreditSender sender(&receiver);

    EXPECT_TRUE(sender.send(150));
    EXPECT_FALSE(sender.send(10));
    EXPECT_FALSE(sender.send(10));
    EXPECT_TRUE(sender.exhausted());
}

TEST(Credit, ASenderElsewhereMustBeToldOfEachLimitThoughItDoesNotWait) {
    CreditReceiver here(kWindow);
    CreditReceiver elsewhere(kWindow, CreditReceiver::Sender::kElsewhere);

    EXPECT_FALSE(here.consume(kWindow / 2));
    EXPECT_TRUE(elsewhere.consume(kWindow / 2));
    EXPECT_TRUE(elsewhere.announced(3 * kWindow));
}

TEST(Credit, WhatIsConsumedIsCreditAgain) {
    CreditReceiver receiver(kWindow);
    CreditSender sender(&receiver);
    ASSERT_TRUE(sender.send(100));
    ASSERT_FALSE(sender.refresh());

    EXPECT_TRUE(receiver.consume(100)) << "the sender waits";
    EXPECT_TRUE(sender.refresh());
    EXPECT_FALSE(sender.exhausted());
    EXPECT_FALSE(sender.send(99));
    EXPECT_TRUE(sender.send(1));
}

TEST(Credit, TheReceiverSpeaksUpOnlyWhenAQuarterOfTheWindowIsNew) {
    CreditReceiver receiver(kWindow);
    CreditSender sender(&receiver);
    ASSERT_TRUE(sender.send(100));
    ASSERT_FALSE(sender.refresh());

    EXPECT_FALSE(receiver.consume(24));
    EXPECT_FALSE(sender.refresh());
    EXPECT_TRUE(receiver.consume(1));
    EXPECT_TRUE(sender.refresh());
}

TEST(Credit, TheReceiverAnnouncesWhatIsLessIfItIsAskedOnce) {
    CreditReceiver receiver(kWindow, CreditReceiver::Sender::kElsewhere);
    EXPECT_FALSE(receiver.announce_all());
    EXPECT_FALSE(receiver.consume(1));

    EXPECT_TRUE(receiver.announce_all());
    EXPECT_EQ(receiver.limit(), kWindow + 1);
    EXPECT_FALSE(receiver.announce_all());
}

TEST(Credit, ASenderThatDoesNotWaitIsNotTold) {
    CreditReceiver receiver(kWindow);
    CreditSender sender(&receiver);
    ASSERT_FALSE(sender.send(80));

    EXPECT_FALSE(receiver.consume(80));
    EXPECT_FALSE(sender.send(90)) << "it sees the new limit when it reaches the old one";
}

TEST(Credit, ASenderIsToldOnce) {
    CreditReceiver receiver(kWindow);
    CreditSender sender(&receiver);
    ASSERT_TRUE(sender.send(200));
    ASSERT_FALSE(sender.refresh());

    EXPECT_TRUE(receiver.consume(50));
    EXPECT_FALSE(receiver.consume(50));
    EXPECT_FALSE(sender.refresh()) << "200 sent, 100 consumed: the window is full";
    EXPECT_TRUE(receiver.consume(50));
    EXPECT_TRUE(sender.refresh());
}

TEST(Credit, AChannelWithoutAReceiverIsNeverExhausted) {
    CreditSender sender(nullptr);
    for (int i = 0; i < 100; ++i) ASSERT_FALSE(sender.send(std::uint64_t{1} << 40));
    EXPECT_FALSE(sender.exhausted());
}

RC_GTEST_PROP(Credit, WhatIsUnderWayStaysBelowTheWindowPlusARowAndNothingWaitsWhenAllIsConsumed,
              (std::uint64_t seed)) {
    base::Random random(seed);
    const std::uint64_t window = 4 + random.below(10'000);
    CreditReceiver receiver(window);
    CreditSender sender(&receiver);
    std::uint64_t sent = 0;
    std::uint64_t consumed = 0;
    std::uint64_t row_max = 0;
    std::deque<std::uint64_t> rows;
    bool waits = false;
    for (int i = 0; i < 2'000; ++i) {
        if (random.below(2) == 0 && !waits) {
            const std::uint64_t row = 1 + random.below(random.below(10) == 0 ? 20'000 : 200);
            rows.push_back(row);
            sent += row;
            row_max = std::max(row_max, row);
            if (sender.send(row)) waits = !sender.refresh();
        } else if (!rows.empty()) {
            consumed += rows.front();
            const bool told = receiver.consume(rows.front());
            rows.pop_front();
            RC_ASSERT(!told || waits);
            if (told) waits = !sender.refresh();
        }
        RC_ASSERT(sent - consumed <= window + row_max);
    }
    while (!rows.empty()) {
        if (receiver.consume(rows.front())) waits = !sender.refresh();
        rows.pop_front();
    }
    RC_ASSERT(!waits);
}

// ---- All interleavings -------------------------------------------------------------------------
//
//     sender   look at limit ─► waiting := 1 ─► fence ─► look at limit ─► sleep, until told
//     receiver limit := more ─► fence ─► look at waiting ─► (if set) waiting := 0, tell
//
// A store goes to its thread's buffer first, and to memory later: at a fence, at a
// read-modify-write, or at any time by itself. (x86 does that; more is not needed to lose a
// wake-up.)

struct Step {
    enum What { kLookAtLimit, kSetWaiting, kFence, kSleep, kSetLimit, kTellIfWaiting } what;
};

struct State {
    int limit = 0;  // In memory: how often it was moved. The sender waits for the next move.
    int waiting = 0;
    int seen = 0;                      // The sender needs a limit above this.
    std::vector<int> sender_buffer;    // Stores to `waiting`.
    std::vector<int> receiver_buffer;  // Stores to `limit`.
    std::size_t sender_at = 0;
    std::size_t receiver_at = 0;
    int told = 0;
    bool sender_sleeps = false;
    bool sender_done = false;

    auto key() const {
        return std::tie(limit, waiting, seen, sender_buffer, receiver_buffer, sender_at,
                        receiver_at, told, sender_sleeps, sender_done);
    }
    friend bool operator<(const State& a, const State& b) { return a.key() < b.key(); }
};

/// Tries every interleaving; counts ends in which the sender sleeps though there is credit.
class Model {
public:
    explicit Model(bool with_fences) {
        using enum Step::What;
        for (const Step::What what : {kLookAtLimit, kSetWaiting, kFence, kLookAtLimit, kSleep})
            sender_.push_back({what});
        for (int i = 0; i < kMoves; ++i) {
            for (const Step::What what : {kSetLimit, kFence, kTellIfWaiting})
                receiver_.push_back({what});
        }
        if (with_fences) return;
        const auto is_fence = [](const Step& step) { return step.what == kFence; };
        std::erase_if(sender_, is_fence);
        std::erase_if(receiver_, is_fence);
    }

    int lost_wake_ups() {
        explore(State{});
        return lost_;
    }
    std::size_t states() const { return seen_.size(); }

private:
    static constexpr int kMoves = 3;

    void explore(const State& state) {
        if (!seen_.insert(state).second) return;
        bool moved = false;
        if (!state.sender_buffer.empty()) {
            State next = state;
            flush_one(next.sender_buffer, next.waiting);
            explore(next);
            moved = true;
        }
        if (!state.receiver_buffer.empty()) {
            State next = state;
            flush_one(next.receiver_buffer, next.limit);
            explore(next);
            moved = true;
        }
        if (!state.sender_done && (!state.sender_sleeps || state.told > 0)) {
            explore(sender_step(state));
            moved = true;
        }
        if (state.receiver_at < receiver_.size()) {
            explore(receiver_step(state));
            moved = true;
        }
        if (!moved && state.sender_sleeps && state.limit > state.seen) ++lost_;
    }

    static void flush_one(std::vector<int>& buffer, int& memory) {
        memory = buffer.front();
        buffer.erase(buffer.begin());
    }

    /// The sender wants all the credit there will be: after each piece it waits for the next.
    State sender_step(State state) const {
        if (state.sender_sleeps) {  // Told.
            --state.told;
            state.sender_sleeps = false;
            state.sender_at = 0;
            return state;
        }
        switch (sender_[state.sender_at++].what) {
            case Step::kLookAtLimit:
                if (state.limit > state.seen) {
                    state.seen = state.limit;
                    state.sender_at = 0;
                    state.sender_done = state.seen == kMoves;
                }
                break;
            case Step::kSetWaiting:
                state.sender_buffer.push_back(1);
                break;
            case Step::kFence:
                while (!state.sender_buffer.empty()) flush_one(state.sender_buffer, state.waiting);
                break;
            default:
                state.sender_sleeps = true;
        }
        return state;
    }

    State receiver_step(State state) const {
        switch (receiver_[state.receiver_at++].what) {
            case Step::kSetLimit:
                state.receiver_buffer.push_back(
                    (state.receiver_buffer.empty() ? state.limit : state.receiver_buffer.back()) +
                    1);
                break;
            case Step::kFence:
                while (!state.receiver_buffer.empty())
                    flush_one(state.receiver_buffer, state.limit);
                break;
            default:
                if (state.waiting == 0) break;
                // A read-modify-write, which empties the buffer.
                while (!state.receiver_buffer.empty())
                    flush_one(state.receiver_buffer, state.limit);
                state.waiting = 0;
                ++state.told;
        }
        return state;
    }

    std::vector<Step> sender_;
    std::vector<Step> receiver_;
    std::set<State> seen_;
    int lost_ = 0;
};

TEST(CreditModel, NoInterleavingLosesAWakeUp) {
    Model model(true);

    EXPECT_EQ(model.lost_wake_ups(), 0);
    EXPECT_GT(model.states(), 200) << "it tried too little to mean anything";
}

TEST(CreditModel, WithoutFencesSomeInterleavingLosesAWakeUp) {
    EXPECT_GT(Model(false).lost_wake_ups(), 0);
}

TEST(Credit, WhoseCreditIsTakenBackHasSentNothingBeyondIt) {
    CreditReceiver receiver(1'000);
    CreditSender sender(&receiver);
    ASSERT_FALSE(sender.send(900));

    receiver.revoke();

    EXPECT_TRUE(sender.revoke());
    EXPECT_TRUE(sender.exhausted());
    EXPECT_EQ(sender.beyond(), 0U) << "what it still sends is counted from here on";
}

TEST(Credit, OneThatIsGoneForGoodIsUsedUpButNobodyWaitsForIt) {
    CreditReceiver receiver(1'000, CreditReceiver::Sender::kElsewhere);
    CreditSender waits(&receiver);
    ASSERT_TRUE(waits.send(1'000));
    ASSERT_FALSE(waits.refresh());
    CreditSender has_credit(&receiver);
    ASSERT_FALSE(has_credit.send(500));

    receiver.give_up();

    EXPECT_TRUE(waits.refresh());
    EXPECT_TRUE(waits.gone());
    EXPECT_TRUE(waits.exhausted());
    EXPECT_FALSE(waits.send(std::uint64_t{1} << 60)) << "and never again";
    EXPECT_TRUE(has_credit.send(500)) << "it notices with its last credit";
    EXPECT_TRUE(has_credit.refresh());
    EXPECT_TRUE(has_credit.gone());
}

TEST(Credit, AReceiverIsThereUnlessItsCreditWasTakenBackOrItIsGone) {
    CreditReceiver receiver(1'000, CreditReceiver::Sender::kElsewhere);
    CreditSender sender(&receiver);
    ASSERT_TRUE(sender.send(1'000));
    EXPECT_TRUE(sender.is_there()) << "it has no credit, that is all";

    receiver.revoke();
    EXPECT_FALSE(sender.revoke()) << "it waits already";
    EXPECT_FALSE(sender.is_there());
    EXPECT_TRUE(receiver.announced(1'000));
    EXPECT_FALSE(sender.refresh()) << "the next one has the bytes to consume";
    EXPECT_TRUE(sender.is_there());

    receiver.give_up();
    EXPECT_TRUE(sender.refresh());
    EXPECT_FALSE(sender.is_there());
}

TEST(Credit, WhoseReceiverIsGoneForGoodLearnsItAtOnce) {
    CreditReceiver receiver(1'000, CreditReceiver::Sender::kElsewhere);
    CreditSender sender(&receiver);

    receiver.give_up();

    EXPECT_TRUE(sender.revoke());
    EXPECT_TRUE(sender.exhausted());
    EXPECT_FALSE(sender.revoke()) << "it knows";
}

}  // namespace
}  // namespace storm::worker

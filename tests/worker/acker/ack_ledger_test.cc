// Goal:   a tree settles exactly once: when its last copy is acked, at the first failure, or at its
//         timeout; and no message for anything else ever settles or disturbs it.
// Method: all orders of the messages of a tree; ids that nobody gave out; simulated time.

#include "worker/acker/ack_ledger.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"

namespace storm::worker {
namespace {

using base::kMicrosPerMilli;
using base::kMicrosPerSecond;
using base::Micros;
using base::Random;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr TaskId kTask = 7;
constexpr Life kLife{3};
constexpr Root kSlotMask = (Root{1} << kSlotBits) - 1;
constexpr std::uint32_t kCapacity = 1'000;
constexpr Micros kTimeout = 30 * kMicrosPerSecond;
constexpr MessageId kMessage = 42;

/// The acks of each copy in a tree: the spout's tuple went to two bolts, their outputs to three
/// more, one of which emitted once more.
struct Tree {
    explicit Tree(std::uint64_t seed) {
        Random random(seed);
        std::array<EdgeXor, 6> edge{};
        for (EdgeXor& one : edge) one = random.next();
        first_copies = edge[0] ^ edge[1];
        acks = {edge[0] ^ edge[2] ^ edge[3],
                edge[1] ^ edge[4],
                edge[2] ^ edge[5],
                edge[3],
                edge[4],
                edge[5]};
    }

    EdgeXor first_copies = 0;
    std::vector<EdgeXor> acks;
};

struct AckLedgerTest : ::testing::Test {
    AckLedger ledger{kTask, kLife, kCapacity, kTimeout, Random(1)};
    std::vector<Settled> list;

    AckLedgerTest() { ledger.set_time(0); }

    Root armed(MessageId message, EdgeXor edges) {
        const Root root = ledger.open(message);
        EXPECT_EQ(ledger.arm(root, edges), std::nullopt);
        return root;
    }
};

TEST_F(AckLedgerTest, ATreeSettlesWithTheLastOfItsAcksInAnyOrder) {
    const Tree tree(5);
    std::vector<std::size_t> order(tree.acks.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    do {
        const Root root = armed(kMessage, tree.first_copies);
        for (std::size_t i = 0; i + 1 < order.size(); ++i)
            ASSERT_EQ(ledger.ack(root, tree.acks[order[i]]), std::nullopt);
        const std::optional<Settled> settled = ledger.ack(root, tree.acks[order.back()]);
        ASSERT_TRUE(settled.has_value());
        ASSERT_EQ(settled->message, kMessage);
        ASSERT_EQ(ledger.pending(), 0);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(AckLedgerTest, AFailureSettlesATreeWhereverItComesAmongTheAcksAndNothingDoesSoAgain) {
    const Tree tree(6);
    std::vector<std::size_t> order(tree.acks.size());  // The last number stands for the failure.
    std::iota(order.begin(), order.end(), std::size_t{0});
    do {
        const Root root = armed(kMessage, tree.first_copies);
        int settled = 0;
        for (const std::size_t i : order) {
            const bool fails = i + 1 == order.size();
            const auto now = fails ? ledger.fail(root) : ledger.ack(root, tree.acks[i]);
            ASSERT_EQ(now.has_value(), fails);
            settled += now.has_value() ? 1 : 0;
        }
        ASSERT_EQ(settled, 1);
        ASSERT_EQ(ledger.pending(), 0);
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(AckLedgerTest, MergedAcksDoWhatTheSingleOnesDo) {
    const Tree tree(7);
    for (std::size_t split = 1; split < tree.acks.size(); ++split) {
        const auto merge = [&](std::size_t from, std::size_t to) {
            return std::accumulate(tree.acks.begin() + static_cast<std::ptrdiff_t>(from),
                                   tree.acks.begin() + static_cast<std::ptrdiff_t>(to), EdgeXor{0},
                                   std::bit_xor<>());
        };
        const Root root = armed(kMessage, tree.first_copies);
        EXPECT_FALSE(ledger.ack(root, merge(0, split)).has_value());
        EXPECT_TRUE(ledger.ack(root, merge(split, tree.acks.size())).has_value());
    }
}

TEST_F(AckLedgerTest, ATupleThatNobodyGotSettlesWhenItIsArmed) {
    const Root root = ledger.open(kMessage);

    const std::optional<Settled> settled = ledger.arm(root, 0);

    ASSERT_TRUE(settled.has_value());
    EXPECT_EQ(settled->message, kMessage);
    EXPECT_EQ(ledger.pending(), 0);
}

TEST_F(AckLedgerTest, ASettledTreeIsNotDisturbedNorSettledAgain) {
    const Root root = armed(kMessage, 9);
    ASSERT_TRUE(ledger.ack(root, 9).has_value());

    EXPECT_FALSE(ledger.ack(root, 9).has_value());
    EXPECT_FALSE(ledger.ack(root, 0).has_value());
    EXPECT_FALSE(ledger.fail(root).has_value());
    ledger.reset_timeout(root, 5);
    EXPECT_EQ(ledger.pending(), 0);
}

TEST_F(AckLedgerTest, WhatIsMeantForAFormerUserOfASlotDoesNotTouchThePresentOne) {
    const Root former = armed(1, 9);
    ASSERT_TRUE(ledger.ack(former, 9).has_value());
    const Root present = armed(2, 9);
    ASSERT_EQ(present & kSlotMask, former & kSlotMask) << "the slot freed last is used first";

    EXPECT_FALSE(ledger.ack(former, 9).has_value());
    EXPECT_FALSE(ledger.fail(former).has_value());

    const std::optional<Settled> settled = ledger.ack(present, 9);
    ASSERT_TRUE(settled.has_value());
    EXPECT_EQ(settled->message, 2);
}

/// Emits and acks one tree after the other, and returns their ids.
std::vector<Root> turn(AckLedger& ledger, std::size_t times) {
    std::vector<Root> roots(times);
    for (Root& root : roots) {
        root = ledger.open(0);
        EXPECT_FALSE(ledger.arm(root, 1).has_value());
        EXPECT_TRUE(ledger.ack(root, 1).has_value());
    }
    return roots;
}

TEST_F(AckLedgerTest, NoIdComesAgainHoweverFastASlotTurns) {
    constexpr std::size_t kTimes = std::size_t{5} << kGenerationBits;

    const std::vector<Root> roots = turn(ledger, kTimes);

    EXPECT_EQ(std::set<Root>(roots.begin(), roots.end()).size(), kTimes);
    for (const Root root : roots) ASSERT_EQ(task_of(root), kTask);
}

TEST_F(AckLedgerTest, ASlotThatHasRestedIsUsedAgainBeforeTheTableGrows) {
    constexpr std::size_t kTimes = std::size_t{64} << kGenerationBits;
    const auto slots = [](const std::vector<Root>& roots) {
        std::set<Root> used;
        for (const Root root : roots) used.insert(root & kSlotMask);
        return used;
    };
    const std::set<Root> before = slots(turn(ledger, kTimes));
    ledger.set_time(ledger.rest_period());

    const std::set<Root> after = slots(turn(ledger, 2 * kTimes));

    EXPECT_LT(*after.rbegin(), std::bit_ceil(*before.rbegin() + 1)) << "it grows by doubling";
}

TEST_F(AckLedgerTest, ASlotThatHasNotRestedLongEnoughIsNotUsedThoughTheTableMustGrow) {
    std::set<Root> left;
    Root present = ~Root{0};
    const auto turns = [&](int times) {
        for (int i = 0; i < times; ++i) {
            for (const Root root : turn(ledger, std::size_t{1} << kGenerationBits)) {
                if ((root & kSlotMask) == present) continue;
                left.insert(present);
                present = root & kSlotMask;
                ASSERT_FALSE(left.contains(present)) << "the slots used so far: " << left.size();
            }
        }
    };
    turns(100);
    ledger.set_time(ledger.rest_period() - 1);
    turns(50);

    EXPECT_GT(left.size(), 128) << "the table has grown";
}

TEST_F(AckLedgerTest, ATableThatCannotGrowUsesWhatRests) {
    AckLedger small(kTask, kLife, 2, kTimeout, Random(9));

    turn(small, std::size_t{10} << kGenerationBits);

    EXPECT_FALSE(small.full());
    EXPECT_EQ(small.pending(), 0);
}

TEST_F(AckLedgerTest, LivesThatFollowEachOtherDiffer) {
    for (std::uint64_t epoch = 1; epoch < 600; ++epoch) {
        for (std::uint64_t starts = 0; starts < 40; ++starts) {
            const Life life = life_of(epoch << 32 | starts);
            ASSERT_NE(life, life_of(epoch << 32 | (starts + 1)));
            for (std::uint64_t next = 0; next < 40; ++next)
                ASSERT_NE(life, life_of((epoch + 1) << 32 | next)) << epoch << " " << starts;
        }
    }
}

constexpr std::uint32_t kMillion = 1'000'000;

std::vector<Root> open_a_million(AckLedger& ledger) {
    ledger.set_time(0);
    std::vector<Root> roots(kMillion);
    for (Root& root : roots) {
        root = ledger.open(0);
        EXPECT_FALSE(ledger.arm(root, 1).has_value());
    }
    return roots;
}

void expect_untouched(AckLedger& ledger, const std::vector<Root>& late) {
    std::size_t touched = 0;
    for (const Root root : late) {
        touched += ledger.ack(root, 1).has_value() ? 1U : 0U;  // Would settle it.
        ledger.keep(root, 1);
        ledger.hold(1'000'000 * kMicrosPerSecond, [&](Micros, Micros) { ++touched; });
        touched += ledger.fail(root).has_value() ? 1U : 0U;
    }
    EXPECT_EQ(touched, 0);
    EXPECT_EQ(ledger.pending(), kMillion);
    EXPECT_EQ(ledger.held(), 0);
}

TEST(FormerLife, AMillionLateMessagesTouchNoneOfAMillionThatArePending) {
    constexpr std::uint64_t kIncarnation = 0x0000'0003'0000'0004;
    AckLedger former(kTask, life_of(kIncarnation), kLedgerCapacity, kTimeout, Random(10));
    const std::vector<Root> late = open_a_million(former);
    for (const std::uint64_t next : {kIncarnation + 1, std::uint64_t{0x0000'0004'0000'0000}}) {
        AckLedger ledger(kTask, life_of(next), kLedgerCapacity, kTimeout, Random(11));
        open_a_million(ledger);

        expect_untouched(ledger, late);
    }
}

TEST(FormerLife, NorDoTheyWhenTheirTreesHaveTimedOutInThisLife) {
    AckLedger ledger(kTask, kLife, kLedgerCapacity, kTimeout, Random(12));
    const std::vector<Root> late = open_a_million(ledger);
    std::vector<Settled> expired;
    ledger.expire(2 * kTimeout, expired);
    ledger.expire(3 * kTimeout, expired);
    ASSERT_EQ(expired.size(), kMillion);
    open_a_million(ledger);

    expect_untouched(ledger, late);
}

TEST(FormerLife, NorWhenTheTableHasTurnedOverManyTimesSince) {
    AckLedger ledger(kTask, kLife, kLedgerCapacity, kTimeout, Random(13));
    std::vector<Root> late;
    for (int i = 0; i < 3; ++i) {
        for (int k = 0; k < 100; ++k) {
            late.push_back(ledger.open(0));
            EXPECT_TRUE(ledger.fail(late.back()).has_value());
        }
        turn(ledger, std::size_t{2} << kGenerationBits);
    }
    open_a_million(ledger);

    expect_untouched(ledger, late);
}

// ---- What bolts keep ----------------------------------------------------------------------------

using Flights = std::vector<std::pair<Micros, Micros>>;

Flights hold(AckLedger& ledger, Micros since) {
    Flights left;
    ledger.hold(since, [&](Micros in, Micros out) { left.emplace_back(in, out); });
    return left;
}

TEST_F(AckLedgerTest, ATreeIsHeldOnceATupleOfItHasBeenKeptForAWhileUntilItSettles) {
    ledger.set_time(100);
    const Root root = armed(1, 9);
    const Root other = armed(2, 9);
    ledger.set_time(200);

    ledger.keep(root, 1);
    EXPECT_EQ(hold(ledger, 199), Flights());
    EXPECT_EQ(ledger.held(), 0);
    EXPECT_EQ(ledger.next_hold(50), 250);
    ledger.set_time(250);
    ledger.keep(root, 1);
    EXPECT_EQ(hold(ledger, 200), (Flights{{100, 200}}));
    EXPECT_EQ(hold(ledger, 250), Flights()) << "it is held already";
    EXPECT_EQ(ledger.held(), 1);
    EXPECT_EQ(ledger.pending(), 2);

    ledger.set_time(280);
    EXPECT_EQ(ledger.ack(root, 9), (Settled{1, 100, root, Flight::kHeld, 80}));
    EXPECT_EQ(ledger.held(), 0);
    ledger.keep(root, 1);
    EXPECT_EQ(ledger.next_hold(50), std::nullopt) << "it has settled";
    EXPECT_EQ(ledger.ack(other, 9), (Settled{2, 100, other}));
}

TEST_F(AckLedgerTest, WhatIsLetGoOfSoonHasBeenInFlightAllTheTime) {
    const Root root = armed(1, 9);
    ledger.keep(root, 1);
    ledger.let_go(root, 1);

    EXPECT_EQ(hold(ledger, 1'000), Flights());
    EXPECT_EQ(ledger.held(), 0);
    EXPECT_FALSE(ledger.any_back());
    ledger.keep(root, 1);
    ledger.let_go(root, 1);
    EXPECT_EQ(ledger.ack(root, 9), (Settled{1, 0, root}));
}

TEST_F(AckLedgerTest, WhatWasHeldIsBackInFlightWhenTheLastTupleIsLetGoOf) {
    const Root root = armed(1, 9);
    ledger.set_time(100);
    ledger.keep(root, 2);
    ledger.set_time(150);
    ASSERT_EQ(hold(ledger, 100), (Flights{{0, 100}}));

    ledger.let_go(root, 1);
    EXPECT_EQ(ledger.held(), 1);
    ledger.set_time(400);
    ledger.let_go(root, 1);
    EXPECT_EQ(ledger.held(), 0);
    EXPECT_TRUE(ledger.any_back());
    ledger.let_go(root, 1);
    EXPECT_EQ(ledger.held(), 0) << "there was nothing to let go of";

    ledger.set_time(500);
    ledger.keep(root, 1);
    ledger.set_time(600);
    EXPECT_EQ(hold(ledger, 500), (Flights{{300, 500}})) << "later by the 300 us of the first time";
    EXPECT_FALSE(ledger.any_back());
    ledger.let_go(root, 1);
    EXPECT_TRUE(ledger.any_back());

    EXPECT_EQ(ledger.ack(root, 9), (Settled{1, 0, root, Flight::kBack, 400}));
    EXPECT_FALSE(ledger.any_back());
}

TEST_F(AckLedgerTest, HoweverATreeSettlesItIsHeldNoMoreNorIsTheNextInItsSlot) {
    using Way = void (*)(AckLedger&, Root, std::vector<Settled>&);
    const std::array<Way, 4> ways = {
        [](AckLedger& some, Root root, auto& out) { out.push_back(some.ack(root, 9).value()); },
        [](AckLedger& some, Root root, auto& out) { out.push_back(some.fail(root).value()); },
        [](AckLedger& some, Root, auto& out) { some.expire(2 * kTimeout, out); },
        [](AckLedger& some, Root, auto& out) { some.abandon(out); }};
    for (const Way settle : ways) {
        const Root root = armed(1, 9);
        ledger.keep(root, 1);
        ASSERT_EQ(hold(ledger, 0).size(), 1);
        list.clear();

        settle(ledger, root, list);

        EXPECT_THAT(list, ::testing::ElementsAre(Settled{1, 0, root, Flight::kHeld}));

        EXPECT_EQ(ledger.pending(), 0);
        EXPECT_EQ(ledger.held(), 0);
        const Root next = armed(2, 9);
        EXPECT_EQ(next & kSlotMask, root & kSlotMask);
        ledger.keep(next, 1);
        EXPECT_EQ(hold(ledger, 0).size(), 1);
        ledger.let_go(next, 1);
        EXPECT_TRUE(ledger.any_back());
        EXPECT_TRUE(ledger.ack(next, 9).has_value());
    }
}

TEST_F(AckLedgerTest, TheTaskCanBeReadFromTheIdUpToTheGreatest) {
    for (const TaskId task : {1, 2, (1 << kRootTaskBits) - 1}) {
        AckLedger other(task, kLife, kCapacity, kTimeout, Random(3));
        EXPECT_EQ(task_of(other.open(0)), task);
    }
}

TEST_F(AckLedgerTest, ItHoldsAsManyAsItsCapacityAndIsThenFull) {
    for (const std::uint32_t capacity : {1U, 63U, 64U, 65U, 100U, 1'000U}) {
        AckLedger some(kTask, kLife, capacity, kTimeout, Random(4));
        std::vector<Root> roots;
        for (std::uint32_t i = 0; i < capacity; ++i) {
            ASSERT_FALSE(some.full());
            roots.push_back(some.open(i));
            ASSERT_FALSE(some.arm(roots.back(), i + 1).has_value());
        }
        EXPECT_TRUE(some.full());
        EXPECT_EQ(std::set<Root>(roots.begin(), roots.end()).size(), capacity);
        for (std::uint32_t i = 0; i < capacity; ++i) {
            const std::optional<Settled> settled = some.ack(roots[i], i + 1);
            ASSERT_TRUE(settled.has_value());
            ASSERT_EQ(settled->message, i);
            ASSERT_FALSE(some.full());
        }
    }
}

TEST_F(AckLedgerTest, AbandonSettlesEveryPendingTreeOnce) {
    const Root first = armed(1, 1);
    const Root done = armed(2, 2);
    const Root third = armed(3, 3);
    ASSERT_TRUE(ledger.ack(done, 2).has_value());

    ledger.abandon(list);

    EXPECT_THAT(list, UnorderedElementsAre(Settled{1, 0, first}, Settled{3, 0, third}));
    EXPECT_EQ(ledger.pending(), 0);
    ledger.abandon(list);
    EXPECT_EQ(list.size(), 2);
}

TEST_F(AckLedgerTest, ItTellsWhenATreeWasEmitted) {
    ledger.set_time(123);
    const Root root = armed(kMessage, 1);
    ledger.set_time(456);

    EXPECT_EQ(ledger.ack(root, 1), (Settled{kMessage, 123, root}));
}

RC_GTEST_PROP(AckLedger, IdsThatAPeerInventedSettleNothing, (std::uint64_t seed)) {
    AckLedger ledger(kTask, kLife, kCapacity, kTimeout, Random(seed));
    std::set<Root> ours;
    for (MessageId i = 0; i < 70; ++i) {
        const Root root = ledger.open(i);
        RC_ASSERT(!ledger.arm(root, i + 1).has_value());
        ours.insert(root);
    }
    // Arbitrary ones; ones of all slots, in and outside of the table; near misses.
    auto ids = *rc::gen::arbitrary<std::vector<std::uint64_t>>();
    const Root some = *ours.begin();
    for (std::uint64_t slot = 0; slot < 200; ++slot) ids.push_back((some & ~kSlotMask) | slot);
    for (unsigned bit = 0; bit < kRootTaskShift; ++bit) ids.push_back(some ^ 1ULL << bit);
    for (const std::uint64_t id : ids) {
        if (ours.contains(id)) continue;
        RC_ASSERT(!ledger.ack(id, *rc::gen::element<EdgeXor>(0, 1, 2, 70)).has_value());
        RC_ASSERT(!ledger.fail(id).has_value());
        ledger.reset_timeout(id, 0);
    }
    RC_ASSERT(ledger.pending() == 70);
    for (const Root root : ours) RC_ASSERT(ledger.fail(root).has_value());
    RC_ASSERT(ledger.pending() == 0);
}

// ---- Timeouts ----------------------------------------------------------------------------------

TEST_F(AckLedgerTest, WithoutATimeoutNothingExpires) {
    AckLedger patient(kTask, kLife, kCapacity, 0, Random(5));
    const Root root = patient.open(kMessage);
    ASSERT_FALSE(patient.arm(root, 1).has_value());

    for (Micros now = 0; now < 1'000 * kMicrosPerSecond; now += kMicrosPerSecond)
        patient.expire(now, list);

    EXPECT_THAT(list, IsEmpty());
    EXPECT_TRUE(patient.ack(root, 1).has_value());
}

TEST_F(AckLedgerTest, TheScanPeriodIsAnEighthOfTheTimeoutButAtMostASecond) {
    const auto period = [](Micros timeout) {
        return AckLedger(kTask, kLife, kCapacity, timeout, Random(6)).scan_period();
    };
    EXPECT_EQ(period(kMicrosPerSecond), 125 * kMicrosPerMilli);
    EXPECT_EQ(period(8 * kMicrosPerSecond), kMicrosPerSecond);
    EXPECT_EQ(period(3'600 * kMicrosPerSecond), kMicrosPerSecond);
}

TEST_F(AckLedgerTest, AnExpiredTreeIgnoresItsLateAckAndFail) {
    const Root root = armed(kMessage, 3);
    ledger.expire(kTimeout + 2 * kMicrosPerSecond, list);
    ASSERT_THAT(list, UnorderedElementsAre(Settled{kMessage, 0, root}));

    EXPECT_FALSE(ledger.ack(root, 3).has_value());
    EXPECT_FALSE(ledger.fail(root).has_value());
    EXPECT_EQ(ledger.pending(), 0);
}

/// Whether every tree settles between its timeout and a scan period later, when the owner calls
/// expire() at intervals of up to scan_interval() and opens, acks and resets trees at random.
void check_timeouts(Micros start, Micros timeout, std::uint64_t seed, bool resets) {
    Random random(seed);
    AckLedger ledger(kTask, kLife, 100'000, timeout, Random(seed));
    std::map<MessageId, Micros> since;  // Last emit or reset of each pending message.
    std::map<MessageId, Root> roots;
    std::vector<Settled> expired;
    MessageId next = 0;
    Micros now = start;
    const Micros end = start + 3 * timeout;
    const Micros interval = ledger.scan_interval();
    while (now < end) {
        now += 1 + static_cast<Micros>(random.below(static_cast<std::uint32_t>(interval)));
        ledger.set_time(now);
        expired.clear();
        ledger.expire(now, expired);
        for (const Settled& settled : expired) {
            RC_ASSERT(since.contains(settled.message));
            const Micros age = now - since[settled.message];
            RC_ASSERT(age >= timeout);
            RC_ASSERT(age <= timeout + ledger.scan_period());
            since.erase(settled.message);
            roots.erase(settled.message);
        }
        for (std::uint64_t i = random.below(20); i > 0 && now < end - 2 * timeout; --i) {
            const Root root = ledger.open(next);
            RC_ASSERT(!ledger.arm(root, 1).has_value());
            since[next] = now;
            roots[next++] = root;
        }
        if (roots.empty() || random.below(4) != 0) continue;
        const auto some = roots.lower_bound(random.below(static_cast<std::uint32_t>(next)));
        if (some == roots.end()) continue;
        if (resets && random.below(2) == 0) {
            ledger.reset_timeout(some->second, now);
            since[some->first] = now;
        } else {
            RC_ASSERT(ledger.ack(some->second, 1).has_value());
            since.erase(some->first);
            roots.erase(some);
        }
    }
    RC_ASSERT(ledger.pending() == since.size());
    // Nothing is overdue at the end, either.
    for (const auto& [message, from] : since)
        RC_ASSERT(now - from <= timeout + ledger.scan_period());
}

RC_GTEST_PROP(AckLedger, ATreeTimesOutBetweenTAndTPlusAScanPeriod, (std::uint64_t seed)) {
    const Micros timeout = kMicrosPerSecond * *rc::gen::element<Micros>(1, 2, 8, 30);
    check_timeouts(*rc::gen::inRange<Micros>(0, Micros{1} << 50), timeout, seed, false);
}

RC_GTEST_PROP(AckLedger, AResetStartsATimeoutAgain, (std::uint64_t seed)) {
    check_timeouts(0, kMicrosPerSecond, seed, true);
}

RC_GTEST_PROP(AckLedger, TimeoutsHoldWhileTheMillisecondsOfThirtyTwoBitsWrapAround,
              (std::uint64_t seed)) {
    const Micros wrap = (Micros{1} << 32) * kMicrosPerMilli;
    check_timeouts(wrap - 2 * kMicrosPerSecond, kMicrosPerSecond, seed, true);
    check_timeouts(wrap / 2 - 2 * kMicrosPerSecond, kMicrosPerSecond, seed, true);
}

TEST_F(AckLedgerTest, AWeekIsATimeoutLikeAnyOther) {
    constexpr Micros kWeek = 7 * 24 * 3'600 * kMicrosPerSecond;
    for (const Micros start : {Micros{0}, (Micros{1} << 32) * kMicrosPerMilli - kWeek / 2}) {
        AckLedger slow(kTask, kLife, kCapacity, kWeek, Random(7));
        slow.set_time(start);
        ASSERT_FALSE(slow.arm(slow.open(kMessage), 1).has_value());
        list.clear();
        Micros settled_at = 0;
        for (Micros now = start; settled_at == 0 && now < start + 2 * kWeek;
             now += kMicrosPerSecond / 8) {
            // Nothing happens in between, so look closely only where something should.
            if (now < start + kWeek - 10 * kMicrosPerSecond) now += 100 * kMicrosPerSecond;
            slow.expire(now, list);
            if (!list.empty()) settled_at = now;
        }
        EXPECT_GE(settled_at - start, kWeek);
        EXPECT_LE(settled_at - start, kWeek + 100 * kMicrosPerSecond);
    }
}

TEST_F(AckLedgerTest, OneCallLooksAtAShareOfALargeTableOnly) {
    constexpr std::uint32_t kMany = 64'000;
    AckLedger large(kTask, kLife, kMany, kTimeout, Random(8));
    large.set_time(0);
    for (MessageId i = 0; i < kMany; ++i) ASSERT_FALSE(large.arm(large.open(i), 1).has_value());
    Micros now = 0;
    while (list.empty()) large.expire(now += large.scan_interval(), list);

    EXPECT_GE(now, kTimeout);
    EXPECT_LE(list.size(), kMany / 4 + 1) << "an eighth of a scan of half the period";
}

// ---- Calls that take long -----------------------------------------------------------------------

/// When the trees that were opened at `opened` expire, looking from `from` on.
Micros expiry(AckLedger& ledger, Micros from) {
    std::vector<Settled> expired;
    Micros now = from;
    while (expired.empty() && now < from + 10 * kTimeout)
        ledger.expire(now += ledger.scan_interval(), expired);
    return now;
}

TEST_F(AckLedgerTest, ATimeoutStartsAtTheEndOfACallThatTookLong) {
    constexpr Micros kLong = 20 * kMicrosPerSecond;
    armed(kMessage, 1);

    ledger.postpone(0, kLong);

    const Micros expired = expiry(ledger, kLong);
    EXPECT_GE(expired, kLong + kTimeout);
    EXPECT_LE(expired, kLong + kTimeout + ledger.scan_period());
}

TEST_F(AckLedgerTest, ACallThatIsSomewhatSlowMakesNoTimeoutTooEarly) {
    const Micros slow = ledger.scan_period() / 8;
    armed(kMessage, 1);

    ledger.postpone(0, slow);

    EXPECT_GE(expiry(ledger, slow), slow + kTimeout);
}

TEST_F(AckLedgerTest, NoPartOfAMillisecondMakesATimeoutTooEarly) {
    constexpr Micros kShort = 10 * kMicrosPerMilli, kEmitted = 500;
    AckLedger some(kTask, kLife, kCapacity, kShort, Random(18));
    some.set_time(kEmitted);
    ASSERT_FALSE(some.arm(some.open(kMessage), 1).has_value());

    some.expire(kEmitted + kShort - 1, list);
    EXPECT_THAT(list, IsEmpty());
    some.expire(kEmitted + kShort + some.scan_period(), list);
    EXPECT_EQ(list.size(), 1);
}

TEST_F(AckLedgerTest, WhatWasEmittedBeforeOrAfterALongCallIsNotPostponed) {
    for (const Micros opened : {Micros{999'999}, Micros{1'000'001}}) {
        AckLedger some(kTask, kLife, kCapacity, kTimeout, Random(14));
        some.set_time(opened);
        ASSERT_FALSE(some.arm(some.open(kMessage), 1).has_value());

        some.postpone(1'000'000, 20 * kMicrosPerSecond);

        EXPECT_LE(expiry(some, 20 * kMicrosPerSecond), opened + kTimeout + some.scan_period());
    }
}

TEST_F(AckLedgerTest, AResetAfterALongCallCountsFromTheReset) {
    const Root root = armed(kMessage, 1);
    ledger.postpone(0, 10 * kMicrosPerSecond);
    ledger.reset_timeout(root, 25 * kMicrosPerSecond);

    const Micros expired = expiry(ledger, 25 * kMicrosPerSecond);

    EXPECT_GE(expired, 25 * kMicrosPerSecond + kTimeout);
    EXPECT_LE(expired, 25 * kMicrosPerSecond + kTimeout + ledger.scan_period());
}

TEST(AckLedger, HoweverManyCallsTakeLongNoTimeoutComesTooEarlyAndNoneMuchTooLate) {
    constexpr Micros kHour = 3'600 * kMicrosPerSecond;
    AckLedger patient(kTask, kLife, 100'000, kHour, Random(15));
    Random random(16);
    std::map<MessageId, Micros> emitted;  // When its call was over.
    std::vector<Settled> expired;
    Micros now = 0;
    for (MessageId i = 0; now < 3 * kHour; ++i) {
        const Micros opened = now;
        patient.set_time(now);
        ASSERT_FALSE(patient.arm(patient.open(i), 1).has_value());
        now += 130'000 + static_cast<Micros>(random.below(2'000'000));
        patient.postpone(opened, now);
        emitted[i] = now;
        expired.clear();
        patient.expire(now, expired);
        for (const Settled& settled : expired) {
            ASSERT_GE(now - emitted[settled.message], kHour);
            // Two more calls: one that is remembered for it, one that the scan had to wait for.
            ASSERT_LE(now - emitted[settled.message],
                      kHour + patient.scan_period() + 2 * 2'130'000);
            emitted.erase(settled.message);
        }
    }
    EXPECT_LE(patient.pending(), 5'000);
}

}  // namespace
}  // namespace storm::worker

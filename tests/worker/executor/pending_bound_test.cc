// Goal:   bolts that keep tuples get as many as they need, soon; but no more than what can be done
//         behind them in time, though they may let go of all at once.
// Method: the bound alone; then a ledger, a window and a bound on simulated time, as SpoutTask
//         connects them, with a bolt that keeps tuples and others behind it or beside it.

#include "worker/executor/pending_bound.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "worker/acker/ack_ledger.h"
#include "worker/executor/spout_window.h"
#include "worker/queue/limits.h"

namespace storm::worker {
namespace {

using base::kMicrosPerMilli;
using base::kMicrosPerSecond;
using base::Micros;

constexpr Micros kNever = std::numeric_limits<Micros>::max();

// ---- The bound ---------------------------------------------------------------------------------

constexpr Micros kTimeout = 8 * kMicrosPerSecond;
constexpr Micros kEighth = kMicrosPerSecond;

struct Bound : ::testing::Test {
    PendingBound bound{kTimeout};
    Micros now = 0;

    void at(Micros time) {
        now = time;
        bound.set_time(now);
    }
    /// For `time`, one tuple settles each `every`, after these times.
    void settle(Micros time, Micros every, Micros flight, Micros held = 0) {
        for (const Micros end = now + time; now < end;) {
            at(now + every);
            bound.heard();
            bound.settled({.flight = flight, .held = held});
        }
    }
    /// While ever so many are held.
    std::uint32_t limit(std::uint32_t pending) { return bound.limit(1, pending, 1'000'000); }
};

TEST_F(Bound, WhereNothingIsHeldTheWindowIsTheLimit) {
    EXPECT_EQ(bound.limit(7, 100, 0), 7);
    settle(3 * kEighth, 100, 50);
    EXPECT_EQ(bound.limit(7, 100, 0), 7);
    EXPECT_FALSE(bound.applies());
    EXPECT_EQ(bound.next_due(), kNever);
}

TEST_F(Bound, BeforeAnythingHasSettledMoreAndMoreMayBeHeld) {
    at(kMicrosPerSecond);
    EXPECT_EQ(bound.limit(1, 10, 10), 11);
    EXPECT_FALSE(bound.applies());
    EXPECT_EQ(limit(1), 1'024);
    EXPECT_TRUE(bound.applies());
    EXPECT_LE(bound.next_due(), now + 20 * kMicrosPerMilli);
    at(kMicrosPerSecond + 300 * kMicrosPerMilli);
    EXPECT_EQ(limit(1), 1'024);
    at(kMicrosPerSecond + 3'000 * kMicrosPerMilli);
    EXPECT_EQ(limit(1), 102'400);
}

// Twenty tasks are about to complete a batch each; the first one does.
TEST_F(Bound, InTheSpanOfTheFirstThatSettleAsManyMayBePendingAsBeforeIt) {
    at(kMicrosPerSecond);
    EXPECT_EQ(limit(1), 1'024);
    at(now + 1'500 * kMicrosPerMilli);
    EXPECT_EQ(limit(1'024), 25'600);

    bound.heard();
    bound.settled({.flight = 10'000, .held = kMicrosPerSecond, .count = 1'000});

    EXPECT_EQ(limit(24'600), 25'600);
    at(now + kEighth);
    EXPECT_LT(limit(24'600), 25'600) << "then it is known how many usually are";
}

TEST_F(Bound, WhatCompletesInAnEighthOfTheTimeoutMayBePendingBesidesWhatUsuallyIs) {
    settle(9 * kEighth, 10'000, 10'000);
    EXPECT_NEAR(limit(1'000), 101, 2);
    EXPECT_TRUE(bound.applies());
    EXPECT_EQ(bound.limit(1, 50, 50), 51);
    EXPECT_FALSE(bound.applies());
    EXPECT_EQ(bound.limit(300, 1'000, 700), 300) << "never less than the window";

    settle(9 * kEighth, 10'000, 500'000);
    EXPECT_NEAR(limit(1'000), 150, 3) << "50 are in flight";
}

TEST_F(Bound, SoMayWhatOneAfterTheOtherTakesAnEighthOfTheTimeout) {
    for (int i = 0; i < 20; ++i) {
        at(now + 2 * kEighth);
        bound.heard();
        bound.settled({.flight = 1'000});
    }
    EXPECT_EQ(limit(2'000), kEighth / 1'000);
}

TEST_F(Bound, BetterTimesCountForATimeoutInWhichSomethingCompletes) {
    settle(2 * kEighth, 1'000, 1'000);
    at(now + 10 * kTimeout);
    bound.heard();
    EXPECT_GE(limit(9'999), 999);
    settle(7 * kEighth, 50'000, 50'000);
    EXPECT_GE(limit(9'999), 999);
    settle(3 * kEighth, 50'000, 50'000);
    EXPECT_LE(limit(9'999), 30);
}

TEST_F(Bound, WhileNothingHappensItDoublesWithEachEighthOfTheTimeout) {
    settle(9 * kEighth, 10'000, 10'000);
    const std::uint32_t usual = limit(1'000);
    EXPECT_EQ(bound.next_due(), now + kEighth);
    at(now + kEighth - 1);
    EXPECT_EQ(limit(usual), usual);
    at(now + 1);
    EXPECT_EQ(limit(usual), 2 * usual);
    EXPECT_EQ(limit(2 * usual), 2 * usual);
    EXPECT_EQ(bound.next_due(), now + kEighth);
    at(now + kEighth - 1);
    bound.heard();
    at(now + 1);
    EXPECT_EQ(limit(2 * usual), 2 * usual) << "a bolt is at work";
    at(now + kEighth);
    EXPECT_EQ(limit(2 * usual), 4 * usual);

    EXPECT_EQ(limit(usual), 4 * usual);
    EXPECT_EQ(limit(usual - 1), usual) << "it goes on";
    EXPECT_EQ(limit(4 * usual), usual);
}

TEST_F(Bound, WhileTheSpoutHasLittleToEmitItIsNotLookedAt) {
    settle(9 * kEighth, 10'000, 10'000);
    at(now + 2 * kEighth);
    const std::uint32_t usual = limit(50);
    EXPECT_TRUE(bound.applies());
    EXPECT_EQ(bound.next_due(), kNever);
    bound.heard();
    EXPECT_EQ(limit(50), usual);
    EXPECT_EQ(bound.next_due(), now + kEighth);
}

TEST_F(Bound, AsManyAsAreUsuallyHeldCountAsHeld) {
    settle(9 * kEighth, 10'000, 10'000, 200'000);
    EXPECT_NEAR(bound.limit(5, 5, 0), 25, 1);
    EXPECT_NEAR(bound.limit(5, 5, 2), 25, 1);
    EXPECT_EQ(bound.limit(5, 5, 40), 45);
    EXPECT_NEAR(limit(1'000), 121, 3);
}

TEST(BoundWithoutTimeouts, ThereIsNone) {
    PendingBound bound(0);
    for (Micros now = 1; now < 1'000; ++now) {
        bound.set_time(now);
        bound.settled({.flight = 1});
    }
    EXPECT_EQ(bound.limit(3, 0, 0), 3);
    EXPECT_EQ(bound.limit(3, 1'000'000, 1'000'000), 1'000'003);
    EXPECT_FALSE(bound.applies());
}

// ---- Simulation --------------------------------------------------------------------------------

/// A spout, a bolt that keeps its tuples, and one that is slow.
struct Topology {
    Micros timeout = 30 * kMicrosPerSecond;
    Micros source = 10;  // Between two tuples.

    Micros keeps = 0;     // The keeper keeps each tuple for so long,
    std::size_t all = 0;  // or until it has so many,
    Micros tick = 0;      // or until the time is a multiple of this.
    Micros pause = 0;     // From `pauses` on, once or `again`, it lets go of nothing.
    Micros pauses = 0;
    Micros again = kNever;

    Micros slow = 0;  // Service time of the slow one; 0: there is none.
    std::uint32_t servers = 1;
    enum class Where : std::uint8_t { kBehind, kBeside } where = Where::kBehind;
};

class Simulation {
public:
    explicit Simulation(const Topology& topology)
        : topology_(topology),
          source_(topology.source),
          shared_(topology.timeout, kMost),
          window_(shared_),
          bound_(topology.timeout),
          ledger_(1, Life{0}, kLedgerCapacity, topology.timeout, base::Random(3)) {
        wake(now_);
        if (topology.tick > 0) at(now_ + topology.tick, Kind::kTick);
    }

    void run(Micros time) {
        acked_ = failed_ = 0;
        const Micros end = now_ + time;
        while (!events_.empty() && events_.top().time <= end) {
            const Event event = events_.top();
            events_.pop();
            now_ = event.time;
            happen(event);
        }
        now_ = end;
        per_second_ = static_cast<double>(acked_) * kMicrosPerSecond / static_cast<double>(time);
    }
    /// Runs until a tuple is acked, and returns how long that took.
    Micros run_until_acked() {
        const Micros begun = now_;
        do run(kMicrosPerMilli);
        while (acked_ == 0 && now_ < begun + topology_.timeout);
        return now_ - begun;
    }
    void set_source(Micros source) {
        source_ = source;
        next_call_ = now_;
        wake(now_);
    }

    // In the last run:
    double acked_per_second() const { return per_second_; }
    std::uint64_t failed() const { return failed_; }

private:
    static constexpr std::uint32_t kMost = 1U << 20;
    static constexpr Micros kHop = 100;

    enum class Kind : std::uint8_t { kSpout, kMessages, kArrives, kDue, kTick, kServed };
    struct Tuple {
        Root root = 0;
        EdgeXor edge = 0;
        Micros emitted = 0;
        Micros due = 0;
    };
    struct Event {
        Micros time;
        std::uint64_t number;
        Kind kind;
        Tuple tuple;
        bool operator<(const Event& other) const {
            return std::pair(time, number) > std::pair(other.time, other.number);
        }
    };
    struct Message {
        Root root;
        EdgeXor edges;
        int kept;
    };

    void at(Micros time, Kind kind) { at(time, kind, Tuple{}); }
    void at(Micros time, Kind kind, const Tuple& tuple) {
        events_.push({time, number_++, kind, tuple});
    }
    void wake(Micros time) {
        if (wakes_ >= now_ && wakes_ <= time) return;
        wakes_ = time;
        at(time, Kind::kSpout);
    }
    void happen(const Event& event) {
        switch (event.kind) {
            case Kind::kSpout:
                if (event.time != wakes_) return;
                wakes_ = -1;
                return step();
            case Kind::kMessages:
                return step();
            case Kind::kArrives:
                return keep(event.tuple);
            case Kind::kDue:
                return let_go_of_due();
            case Kind::kTick:
                at(now_ + topology_.tick, Kind::kTick);
                if (end_of_pause(now_) == now_) let_go(kept_.size());
                return;
            case Kind::kServed:
                tell({event.tuple.root, event.tuple.edge, 0});
                --busy_;
                serve();
        }
    }

    // ---- The bolts.
    Micros end_of_pause(Micros time) const {
        if (time < topology_.pauses) return time;
        return std::max(time, time - (time - topology_.pauses) % topology_.again + topology_.pause);
    }
    void keep(const Tuple& tuple) {
        tell({tuple.root, 0, 1});
        kept_.push_back(tuple);
        kept_.back().due = end_of_pause(now_ + topology_.keeps);
        if (topology_.where == Topology::Where::kBeside)
            queue({tuple.root, tuple.edge + 1, tuple.emitted});
        if (topology_.all > 0) {
            if (kept_.size() == topology_.all) let_go(topology_.all);
        } else if (topology_.tick == 0) {
            at(kept_.back().due, Kind::kDue);
        }
    }
    void let_go_of_due() {
        const auto due = std::find_if(kept_.begin(), kept_.end(),
                                      [this](const Tuple& tuple) { return tuple.due > now_; });
        let_go(static_cast<std::size_t>(due - kept_.begin()));
    }
    void let_go(std::size_t count) {
        const bool passed_on = topology_.slow > 0 && topology_.where == Topology::Where::kBehind;
        for (; count > 0; --count) {
            const Tuple tuple = kept_.front();
            kept_.pop_front();
            const EdgeXor next = passed_on ? tuple.edge + 1 : 0;
            tell({tuple.root, tuple.edge ^ next, -1});
            if (passed_on) queue({tuple.root, next, tuple.emitted});
        }
    }
    void queue(const Tuple& tuple) {
        queue_.push_back(tuple);
        serve();
    }
    void serve() {
        while (!queue_.empty() && busy_ < topology_.servers) {
            const Tuple tuple = queue_.front();
            queue_.pop_front();
            if (now_ - tuple.emitted >= topology_.timeout) continue;
            ++busy_;
            at(now_ + topology_.slow, Kind::kServed, tuple);
        }
    }
    void tell(const Message& message) {
        if (told_.empty()) at(now_ + kHop, Kind::kMessages);
        told_.push_back(message);
    }

    // ---- The spout, as SpoutExecutor and SpoutTask do it.
    void step() {
        window_.set_time(now_);
        bound_.set_time(now_);
        ledger_.set_time(now_);
        apply();
        expire();
        ledger_.hold(now_ - kKeptInFlight,
                     [this](Micros in, Micros out) { window_.kept(in, out); });
        window_.set_any_back(ledger_.any_back());
        window_.turn();
        emit(std::min(kMost, bound_.limit(window_.limit(), ledger_.pending(), ledger_.held())));
        Micros due = std::min(bound_.next_due(), ledger_.next_hold(kKeptInFlight).value_or(kNever));
        if (ledger_.pending() > 0) due = std::min(due, next_scan_);
        if (due != kNever) wake(std::max(due, now_ + 1));
    }
    void apply() {
        for (const Message& message : told_) {
            bound_.heard();
            if (message.kept > 0) ledger_.keep(message.root, 1);
        }
        for (const Message& message : told_) {
            if (message.edges == 0) continue;
            if (const auto settled = ledger_.ack(message.root, message.edges)) count(*settled);
        }
        for (const Message& message : told_) {
            if (message.kept < 0) ledger_.let_go(message.root, 1);
        }
        told_.clear();
    }
    void count(const Settled& settled) {
        ++acked_;
        if (settled.flight == Flight::kInFlight) window_.completed(settled.emitted, 1);
        if (settled.flight == Flight::kBack) window_.came_back(settled.emitted + settled.held_for);
        bound_.settled(
            {.flight = now_ - settled.emitted - settled.held_for, .held = settled.held_for});
    }
    void expire() {
        if (ledger_.pending() == 0 || now_ < next_scan_) return;
        std::vector<Settled> expired;
        ledger_.expire(now_, expired);
        for (const Settled& settled : expired) {
            if (settled.flight != Flight::kHeld) window_.timed_out(1);
        }
        failed_ += expired.size();
        next_scan_ = now_ + ledger_.scan_interval();
    }
    void emit(std::uint32_t limit) {
        for (int calls = 0; calls < 200; ++calls) {
            if (now_ < next_call_) return wake(next_call_);
            if (ledger_.pending() >= limit) return window_.limited(!bound_.applies());
            const Root root = ledger_.open(0);
            const EdgeXor edge = random_.next() & ~EdgeXor{1};
            const bool two = topology_.where == Topology::Where::kBeside;
            EXPECT_FALSE(ledger_.arm(root, two ? edge ^ (edge + 1) : edge).has_value());
            at(now_ + kHop, Kind::kArrives, {root, edge, now_});
            next_call_ = now_ + source_;
        }
        wake(now_ + 1);
    }

    const Topology topology_;
    Micros source_;
    SpoutWindow shared_;
    TaskWindow window_;
    PendingBound bound_;
    AckLedger ledger_;
    base::Random random_{7};
    Micros now_ = kMicrosPerSecond;
    std::uint64_t number_ = 0;
    std::priority_queue<Event> events_;
    std::deque<Tuple> kept_;
    std::deque<Tuple> queue_;
    std::uint32_t busy_ = 0;
    std::vector<Message> told_;
    Micros next_scan_ = 0;
    Micros next_call_ = 0;
    Micros wakes_ = -1;
    std::uint64_t acked_ = 0;
    std::uint64_t failed_ = 0;
    double per_second_ = 0;
};

constexpr Micros millis(Micros count) {
    return count * kMicrosPerMilli;
}
constexpr Micros seconds(Micros count) {
    return count * kMicrosPerSecond;
}

double capacity(const Topology& topology) {
    return static_cast<double>(topology.servers) * kMicrosPerSecond /
           static_cast<double>(std::max(topology.slow, topology.source));
}

TEST(PendingBound, WhatABoltKeptDuringAPauseFloodsNobodyBehindIt) {
    for (const Micros timeout : {seconds(2), seconds(8), seconds(30)}) {
        for (const Micros slow : {millis(1), millis(20), millis(200)}) {
            for (const Micros pause : {timeout / 10, timeout / 5}) {
                if (timeout < 20 * slow) continue;
                SCOPED_TRACE(std::to_string(timeout) + " us, a pause of " + std::to_string(pause) +
                             " us, a bolt of " + std::to_string(slow) + " us");
                const Topology topology{.timeout = timeout,
                                        .keeps = millis(50),
                                        .pause = pause,
                                        .pauses = timeout,
                                        .again = timeout,
                                        .slow = slow};
                Simulation simulation(topology);

                simulation.run(8 * timeout);

                EXPECT_EQ(simulation.failed(), 0);
                EXPECT_GE(simulation.acked_per_second(), 0.7 * capacity(topology));
            }
        }
    }
}

TEST(PendingBound, ABoltThatKeepsTuplesForAWhileGetsAsManyAsItWants) {
    for (const Micros keeps : {millis(5), millis(50), millis(500), seconds(5)}) {
        for (const Micros slow : {Micros{0}, Micros{5}}) {
            const Topology topology{.source = 100, .keeps = keeps, .slow = slow};
            Simulation simulation(topology);
            simulation.run(seconds(20));

            simulation.run(seconds(20));

            EXPECT_EQ(simulation.failed(), 0) << keeps << " " << slow;
            EXPECT_GE(simulation.acked_per_second(), 0.95 * capacity(topology))
                << keeps << " " << slow;
        }
    }
}

TEST(PendingBound, ABoltThatWaitsForOthersSoonGetsAsManyAsItNeeds) {
    for (const std::size_t all : {100U, 1'000U, 10'000U, 100'000U}) {
        Simulation simulation({.all = all, .slow = 5});

        EXPECT_LE(simulation.run_until_acked(), seconds(all > 10'000 ? 4 : 1)) << all;
        simulation.run(seconds(10));

        EXPECT_GE(simulation.acked_per_second(), 65'000) << all;
        EXPECT_EQ(simulation.failed(), 0) << all;
    }
}

TEST(PendingBound, SoItDoesBeforeASlowOne) {
    for (const std::size_t all : {4U, 50U, 300U}) {
        for (const Micros timeout : {seconds(2), seconds(30)}) {
            if (static_cast<Micros>(all) * millis(20) > timeout / 2) continue;
            const Topology topology{.timeout = timeout, .all = all, .slow = millis(20)};
            Simulation simulation(topology);
            simulation.run(2 * timeout);

            simulation.run(4 * timeout);

            EXPECT_EQ(simulation.failed(), 0) << all << " " << timeout;
            EXPECT_GE(simulation.acked_per_second(), 0.6 * capacity(topology))
                << all << " " << timeout;
        }
    }
}

TEST(PendingBound, WindowsOfTimeAreFilled) {
    for (const Micros tick : {millis(100), seconds(1), seconds(10)}) {
        const Topology topology{.source = 100, .tick = tick, .slow = 5};
        Simulation simulation(topology);
        simulation.run(seconds(40));

        simulation.run(seconds(40));

        EXPECT_EQ(simulation.failed(), 0) << tick;
        EXPECT_GE(simulation.acked_per_second(), 0.9 * capacity(topology)) << tick;
    }
}

TEST(PendingBound, AfterAQuietTimeTheyAreFilledAgainSoon) {
    Simulation simulation({.source = seconds(10), .tick = seconds(1), .slow = 5});
    simulation.run(seconds(100));
    simulation.set_source(100);
    simulation.run(seconds(3));

    simulation.run(seconds(10));

    EXPECT_EQ(simulation.failed(), 0);
    EXPECT_GE(simulation.acked_per_second(), 9'000);
}

TEST(PendingBound, ManyThatAreSlowAreAllKeptBusy) {
    for (const Micros slow : {seconds(1), seconds(5)}) {
        const Topology topology{.keeps = millis(50), .slow = slow, .servers = 100};
        Simulation simulation(topology);
        simulation.run(seconds(100));

        simulation.run(seconds(100));

        EXPECT_EQ(simulation.failed(), 0) << slow;
        EXPECT_GE(simulation.acked_per_second(), 0.95 * capacity(topology)) << slow;
    }
}

TEST(PendingBound, WhatIsSlowBesideABoltThatKeepsTuplesIsNotFloodedEither) {
    for (const Micros keeps : {Micros{0}, millis(50)}) {
        const Topology topology{.timeout = seconds(8),
                                .keeps = keeps,
                                .pause = seconds(2),
                                .pauses = seconds(8),
                                .slow = millis(20),
                                .where = Topology::Where::kBeside};
        Simulation simulation(topology);

        simulation.run(seconds(30));

        EXPECT_EQ(simulation.failed(), 0) << keeps;
        EXPECT_GE(simulation.acked_per_second(), 0.7 * capacity(topology)) << keeps;
    }
}

}  // namespace
}  // namespace storm::worker

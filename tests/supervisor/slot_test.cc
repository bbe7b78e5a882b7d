// A slot never has two processes, never starts in a hot loop, and ends with what is wanted, in
// whatever order things happen. Method: a small world in which a process can do anything; every
// sequence of events up to a depth, from several beginnings; long random walks; simulated time.

#include "supervisor/slot.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace storm::supervisor {
namespace {

using cluster::Status;
using cluster::WorkerState;
using Kind = SlotAction::Kind;

constexpr Micros kSecond = kMicrosPerSecond;
const SlotTimes kTimes;

Wanted wanted(const std::string& topology, std::uint64_t epoch, Status status = Status::kActive,
              Micros kill_wait = 5 * kSecond) {
    return {{topology, 0, epoch}, epoch, status, kill_wait};
}
const Wanted kA = wanted("a", 1);

/// The surroundings of a slot: one host, one process at most, and the host's memory on its disk.
struct World {
    Slot slot{kTimes};
    Micros now = 1'000 * kSecond;
    std::optional<std::uint64_t> fetching;
    bool process = false;
    bool start_fails = false;
    bool told_to_stop = false;
    // Requests to the process, in order: A(ssign), D(rain), S(top), T(ERM), K(ILL).
    std::string asked;
    std::vector<std::uint64_t> incarnations;
    std::vector<Micros> starts;
    std::map<std::tuple<std::string, std::uint32_t, std::uint64_t>, History> disk;
    std::optional<Wanted> last_wanted;

    static auto key(const Target& target) {
        return std::tuple(target.topology, target.number, target.epoch);
    }

    void act(const SlotActions& actions) {
        for (const SlotAction& action : actions) {
            switch (action.kind) {
                case Kind::kFetch:
                    ASSERT_FALSE(process) << "fetches while a process is there";
                    fetching = action.ticket;
                    break;
                case Kind::kStart:
                    start(action.incarnation);
                    break;
                case Kind::kAssign:
                    asked += 'A';
                    break;
                case Kind::kDrain:
                    asked += 'D';
                    break;
                case Kind::kStop:
                    asked += 'S';
                    told_to_stop = true;
                    break;
                case Kind::kTerminate:
                    asked += 'T';
                    ASSERT_TRUE(process);
                    break;
                case Kind::kKill:
                    asked += 'K';
                    ASSERT_TRUE(process);
                    break;
            }
        }
        remember();
        ASSERT_EQ(slot.has_process(), process);
    }

    void start(std::uint64_t incarnation) {
        ASSERT_FALSE(process) << "two processes";
        ASSERT_TRUE(slot.target().has_value());
        const auto of_target = key(*slot.target());
        ASSERT_EQ(incarnation >> 32, slot.target()->epoch);
        ASSERT_GT(incarnation & 0xffffffff, disk[of_target].starts) << "an incarnation came again";
        incarnations.push_back(incarnation);
        starts.push_back(now);
        process = true;
        told_to_stop = false;
        asked.clear();
        remember();
        if (start_fails) {
            process = false;
            act(slot.start_failed(now));
        }
    }

    void remember() {
        if (slot.target())
            disk[key(*slot.target())] = {slot.starts(), slot.skipped(), slot.finished()};
    }

    void want(const std::optional<Wanted>& next) {
        last_wanted = next;
        act(slot.want(next, next ? disk[key(next->target)] : History{}, now));
    }
    void fetched(bool ok) {
        if (!fetching) return;
        const std::uint64_t ticket = *std::exchange(fetching, std::nullopt);
        act(slot.fetched(ticket, ok, now));
    }
    void end(const Ended& how = {}) {
        if (!process) return;
        process = false;
        act(slot.ended(how, now));
    }
    void report(WorkerState state) {
        if (process) act(slot.reported(state, now));
    }
    void tick() {
        const std::optional<Micros> due = slot.deadline();
        if (!due) return;
        now = std::max(now, *due);
        act(slot.tick(now));
    }
    void connect() {
        if (process) act(slot.connected());
    }

    /// From now on everything goes well: things arrive, the process obeys. Until nothing changes.
    void calm_down() {
        start_fails = false;
        for (int turn = 0; turn < 40; ++turn) {
            fetched(true);
            if (process && (told_to_stop || asked.find_first_of("TK") != std::string::npos)) end();
            if (process) report(WorkerState::kRunning);
            if (!process || slot.state() == SlotState::kStopping) tick();
        }
    }

    /// REQUIRES: calm_down().
    void expect_what_is_wanted() {
        const bool to_run = last_wanted && !cluster::is_draining(last_wanted->status) &&
                            last_wanted->status != Status::kFinished &&
                            !disk[key(last_wanted->target)].finished;
        const bool ends = process && (!last_wanted || cluster::is_draining(last_wanted->status));
        EXPECT_FALSE(ends);
        if (to_run) {
            EXPECT_EQ(slot.state(), SlotState::kRunning);
            EXPECT_TRUE(process);
            EXPECT_EQ(slot.target(), last_wanted->target);
        } else if (process) {  // All its tasks have ended; it may stay until it is told to go.
            EXPECT_EQ(slot.target(), last_wanted->target);
            EXPECT_TRUE(slot.finished());
        } else {
            EXPECT_EQ(slot.state(), last_wanted ? SlotState::kDone : SlotState::kEmpty);
        }
    }
};

using Event = std::function<void(World&)>;
const std::vector<std::pair<const char*, Event>>& events() {
    static const std::vector<std::pair<const char*, Event>> kAll = {
        {"want a", [](World& w) { w.want(kA); }},
        {"want a anew", [](World& w) { w.want(wanted("a", 2)); }},
        {"want b", [](World& w) { w.want(wanted("b", 7, Status::kInactive)); }},
        {"want a killed", [](World& w) { w.want(wanted("a", 1, Status::kKilled)); }},
        {"want a killed at once", [](World& w) { w.want(wanted("a", 1, Status::kKilled, 0)); }},
        {"want a rebalanced", [](World& w) { w.want(wanted("a", 1, Status::kRebalancing)); }},
        {"want a finished", [](World& w) { w.want(wanted("a", 1, Status::kFinished)); }},
        {"want nothing", [](World& w) { w.want({}); }},
        {"fetched", [](World& w) { w.fetched(true); }},
        {"not fetched", [](World& w) { w.fetched(false); }},
        {"crashed", [](World& w) { w.end(); }},
        {"fenced", [](World& w) { w.end({.fenced = true}); }},
        {"running", [](World& w) { w.report(WorkerState::kRunning); }},
        {"finished", [](World& w) { w.report(WorkerState::kFinished); }},
        {"failed", [](World& w) { w.report(WorkerState::kFailed); }},
        {"deadline", [](World& w) { w.tick(); }},
        {"a second", [](World& w) { w.now += kSecond; }},
        {"connected", [](World& w) { w.connect(); }},
        {"starts fail", [](World& w) { w.start_fails = !w.start_fails; }},
    };
    return kAll;
}

World empty_world() {
    return World{};
}
World running_world() {
    World world;
    world.want(kA);
    world.fetched(true);
    world.report(WorkerState::kRunning);
    return world;
}
World adopted_world() {
    World world;
    world.process = true;
    world.last_wanted = kA;
    world.disk[World::key(kA.target)] = {3, false};
    world.slot.adopt(kA, {3, 0, false}, world.now);
    return world;
}

void try_all(const World& world, int depth, std::string& told) {
    if (depth == 0) {
        World calm = world;
        calm.calm_down();
        calm.expect_what_is_wanted();
        if (::testing::Test::HasFailure()) FAIL() << "after:" << told;
        return;
    }
    for (const auto& [name, event] : events()) {
        World next = world;
        const std::size_t length = told.size();
        told += std::string(" [") + name + ']';
        event(next);
        if (!::testing::Test::HasFailure()) try_all(next, depth - 1, told);
        if (::testing::Test::HasFailure()) FAIL() << "after:" << told;
        told.resize(length);
    }
}

TEST(Slot, ConvergesAfterEverySequenceOfEvents) {
    for (const auto& begin : {empty_world, running_world, adopted_world}) {
        std::string told;
        try_all(begin(), 4, told);
        ASSERT_FALSE(HasFailure());
    }
}

TEST(Slot, ConvergesAfterLongRandomWalks) {
    for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
        SCOPED_TRACE(seed);
        base::Random random(seed);
        World world = running_world();
        for (int i = 0; i < 100 && !HasFailure(); ++i) {
            events()[random.below(static_cast<std::uint32_t>(events().size()))].second(world);
        }
        world.calm_down();
        world.expect_what_is_wanted();
        ASSERT_FALSE(HasFailure());
    }
}

/// Starts within `span`, of a process that always ends in this way after `life`.
std::size_t starts_within(Micros span, Micros life, const Ended& how) {
    World world;
    world.want(kA);
    const Micros end = world.now + span;
    while (world.now < end) {
        world.fetched(true);
        if (world.process) {
            world.now += life;
            world.end(how);
        } else {
            world.tick();
        }
    }
    EXPECT_TRUE(world.slot.in_crash_loop());
    return world.starts.size();
}

TEST(Slot, StartsAWorkerThatCrashesAtOnceLessThanTwentyTimesInFiveMinutes) {
    EXPECT_LT(starts_within(300 * kSecond, 1'000, {}), 20U);
    EXPECT_LT(starts_within(300 * kSecond, 300'000, {}), 20U);
    EXPECT_LT(starts_within(300 * kSecond, 1'000, {.known = false}), 20U);
}

TEST(Slot, StartsAWorkerThatIsAlwaysFencedLessThanTwentyTimesInFiveMinutes) {
    EXPECT_LT(starts_within(300 * kSecond, 1'000, {.fenced = true}), 20U);
}

TEST(Slot, PassesWhatItsPeersKnowWithinFiveStartsThoughItsHistoryIsLost) {
    for (const std::uint32_t known : {1U, 2U, 20U, 500U, 60'000U}) {
        World world = running_world();
        const std::uint64_t epoch = world.slot.incarnation() >> 32U;
        int fenced = 0;
        while (world.slot.incarnation() <= (epoch << 32U | known)) {
            world.end({.fenced = true});
            ASSERT_TRUE(world.fetching.has_value()) << "at once";
            world.fetched(true);
            ++fenced;
        }
        EXPECT_LE(fenced, 4) << known;
        EXPECT_EQ(world.slot.starts() - world.slot.skipped(),
                  static_cast<std::uint32_t>(fenced) + 1)
            << "what was skipped is not a start";
    }
}

TEST(Slot, SkippingLeavesRoomForTheNextIncarnation) {
    // A skip would bring the count just to its end, or one short of it.
    for (const std::uint32_t left : {kFencedSkip, kFencedSkip + 1}) {
        World world;
        world.disk[World::key(kA.target)] = {.starts = kStartsMax - 1 - left};
        world.want(kA);
        world.fetched(true);
        const std::uint64_t before = world.slot.incarnation();

        world.end({.fenced = true});
        world.fetched(true);

        EXPECT_GT(world.slot.incarnation(), before) << left;
    }
}

TEST(Slot, StartsAtOnceAfterTheFirstCrashAndLaterAfterTheNext) {
    World world = running_world();
    world.end();
    EXPECT_TRUE(world.fetching.has_value());

    world.fetched(true);
    world.end();

    EXPECT_FALSE(world.fetching.has_value());
    EXPECT_EQ(world.slot.deadline(), world.now + kBackOffMin);
}

TEST(Slot, StartsAtOnceWhenTheLastOneHadRunWell) {
    World world = running_world();
    for (int i = 0; i < 20; ++i) {
        for (int second = 0; second < 11; ++second) {
            world.now += kSecond;
            world.report(WorkerState::kRunning);
        }
        world.end();
        ASSERT_TRUE(world.fetching.has_value());
        world.fetched(true);
        world.report(WorkerState::kRunning);
    }
}

TEST(Slot, LeavesTheCrashLoopOnceAWorkerHasRunWell) {
    World world = running_world();
    for (std::size_t i = 0; i < kCrashLoopEnds; ++i) {
        world.end();
        world.tick();
        world.fetched(true);
    }
    ASSERT_TRUE(world.slot.in_crash_loop());

    world.now += kRanWell;
    world.report(WorkerState::kRunning);

    EXPECT_FALSE(world.slot.in_crash_loop());
}

TEST(Slot, KillsASilentWorkerAfterASecondLookAndStartsItAgain) {
    World world = running_world();
    world.tick();
    EXPECT_EQ(world.asked, "") << "what has arrived meanwhile must be read first";
    world.tick();
    EXPECT_EQ(world.asked, "K");
    EXPECT_TRUE(world.process) << "its end has not been seen yet";

    world.end();

    EXPECT_TRUE(world.fetching.has_value());
    EXPECT_EQ(world.slot.ends(EndReason::kSilent), 1U);
}

TEST(Slot, ForgivesAWorkerWhoseReportComesAtTheSecondLook) {
    World world = running_world();
    world.tick();
    world.report(WorkerState::kRunning);

    world.now += kSecondLook;
    world.act(world.slot.tick(world.now));

    EXPECT_EQ(world.asked, "");
    EXPECT_EQ(world.slot.state(), SlotState::kRunning);
}

TEST(Slot, KillsAWorkerThatDoesNotReportAfterItsStart) {
    World world;
    world.want(kA);
    world.fetched(true);
    EXPECT_EQ(world.slot.deadline(), world.now + kTimes.start_timeout);

    world.tick();
    world.tick();

    EXPECT_EQ(world.asked, "K");
    world.end();
    EXPECT_EQ(world.slot.last_end(), EndReason::kStartTimeout);
}

struct SlotDrainTest : ::testing::TestWithParam<Status> {};
INSTANTIATE_TEST_SUITE_P(Statuses, SlotDrainTest,
                         ::testing::Values(Status::kKilled, Status::kRebalancing));

TEST_P(SlotDrainTest, DrainsThenStopsThenKills) {
    World world = running_world();
    world.want(wanted("a", 1, GetParam()));
    EXPECT_EQ(world.asked, "AD");
    EXPECT_EQ(world.slot.deadline(), world.now + 5 * kSecond);
    world.tick();
    EXPECT_EQ(world.asked, "ADST");
    world.tick();
    EXPECT_EQ(world.asked, "ADSTK");

    world.end();

    EXPECT_EQ(world.slot.state(), SlotState::kDone);
    world.want({});
    EXPECT_EQ(world.slot.state(), SlotState::kEmpty);
}

TEST_P(SlotDrainTest, WithoutAWaitStopsAtOnce) {
    World world = running_world();

    world.want(wanted("a", 1, GetParam(), 0));

    EXPECT_EQ(world.asked, "ST");
}

TEST(Slot, RunsARebalancedTopologyAnewOnceItHasDrained) {
    World world = running_world();
    world.want(wanted("a", 1, Status::kRebalancing));
    world.end();
    EXPECT_EQ(world.slot.state(), SlotState::kDone);

    world.want(wanted("a", 3));
    world.fetched(true);
    world.report(WorkerState::kRunning);

    EXPECT_EQ(world.slot.state(), SlotState::kRunning);
    EXPECT_EQ(world.slot.target(), wanted("a", 3).target);
}

TEST(Slot, StopsADrainingWorkerWhoseTopologyIsGone) {
    World world = running_world();
    world.want(wanted("a", 1, Status::kKilled));

    world.want({});

    EXPECT_EQ(world.asked, "ADST");
}

TEST(Slot, TellsAgainWhatAWorkerMayHaveMissed) {
    World world = running_world();
    world.connect();
    EXPECT_EQ(world.asked, "A");
    world.want(wanted("a", 1, Status::kKilled));
    world.asked.clear();

    world.connect();

    EXPECT_EQ(world.asked, "AD");
}

TEST(Slot, SendsAChangedAssignmentToTheRunningWorker) {
    World world = running_world();
    Wanted changed = kA;
    changed.assignment_epoch = 9;

    world.want(changed);
    EXPECT_EQ(world.asked, "A");
    world.want(changed);

    EXPECT_EQ(world.asked, "A") << "twice the same does nothing";
    EXPECT_EQ(world.slot.state(), SlotState::kRunning);
}

TEST(Slot, DoesNotStartAFinishedWorkerAgain) {
    World world = running_world();
    world.report(WorkerState::kFinished);
    world.end();
    EXPECT_EQ(world.slot.state(), SlotState::kDone);

    world.want({});
    world.want(kA);

    EXPECT_EQ(world.slot.state(), SlotState::kDone);
    EXPECT_EQ(world.starts.size(), 1U);
}

TEST(Slot, StartsTheNextOneOnlyWhenTheLastOneHasEnded) {
    World world = running_world();
    world.want(wanted("a", 2));
    EXPECT_EQ(world.asked, "ST");
    EXPECT_FALSE(world.fetching.has_value());

    world.end();
    world.fetched(true);

    EXPECT_EQ(world.incarnations.back(), (std::uint64_t{2} << 32) + 1);
}

TEST(Slot, KeepsCountingStartsOfAnAdoptedWorker) {
    World world = adopted_world();
    world.end({.known = false});

    world.fetched(true);

    EXPECT_EQ(world.incarnations.back(), (std::uint64_t{1} << 32) + 4);
}

}  // namespace
}  // namespace storm::supervisor

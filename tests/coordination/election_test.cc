// Goal:   at any moment one Nimbus leads at most, each time under a new epoch; what a deposed one
//         writes is refused; and somebody leads again soon after whatever happened.
// Method: two or three candidates on the twin's simulated time: each fault by hand, then thousands
//         of random sequences of faults with random delays, judged at every step.

#include "coordination/election.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/random.h"
#include "coordination/cluster_state.h"
#include "coordination/memory_coordination.h"
#include "tests/cluster/any_record.h"
#include "tests/support/manual_loop.h"

namespace storm::coordination {
namespace {

using cluster::AnyRecord;
using cluster::Assignment;
using cluster::TopologyRecord;

using storm::testing::ManualLoop;
using storm::testing::ManualTime;

constexpr base::Micros kMilli = base::kMicrosPerMilli;
constexpr base::Micros kSecond = base::kMicrosPerSecond;
constexpr base::Micros kTimeout = 5 * kSecond;

/// A process that stands for election.
struct Candidate {
    Candidate(ManualTime& time, MemoryServer& server, std::string id, std::int64_t started_ms)
        : loop(time),
          session(
              loop, [this, &server] { return server.connect(loop); }, "/storm"),
          state(session),
          election(session, std::move(id), started_ms, [this](std::optional<Term> term) {
              EXPECT_NE(term.has_value(), told.has_value()) << "always in turns";
              told = term;
              if (term) terms.push_back(*term);
          }) {}

    ManualLoop loop;
    Session session;
    ClusterState state;
    std::optional<Term> told;
    std::vector<Term> terms;
    Election election;
};

struct ElectionTest : ::testing::Test {
    std::unique_ptr<Candidate> candidate(const std::string& id, std::int64_t started_ms = 1) {
        return std::make_unique<Candidate>(time, server, id, started_ms);
    }
    /// The outcome of a leader's write.
    Write write_by(Candidate& leader, const Term& term, const std::string& name) {
        AnyRecord any(std::hash<std::string>()(name));
        TopologyRecord record = any.topology();
        record.id = name + "-1";
        record.name = name;
        Assignment first;
        first.topology = record.id;
        std::optional<Write> outcome;
        leader.state.create_topology(term, record, first, [&](Write write) { outcome = write; });
        for (int i = 0; i < 100 && !outcome; ++i) time.run_for(100 * kMilli);
        return outcome.value_or(Write::kFailed);
    }

    ManualTime time;
    ManualLoop service{time};
    MemoryServer server{service, {kTimeout, [] { return kMilli; }}};
};

TEST_F(ElectionTest, TheFirstOneLeadsAndTheOthersFollow) {
    auto a = candidate("a:1");
    time.run_for(kSecond);
    auto b = candidate("b:1");
    time.run_for(60 * kSecond);

    ASSERT_TRUE(a->election.term());
    EXPECT_EQ(a->election.term(), a->told);
    EXPECT_EQ(a->election.term()->epoch, 1);
    EXPECT_FALSE(b->election.term());
    EXPECT_TRUE(b->terms.empty());
}

TEST_F(ElectionTest, AFollowerLeadsWhenTheLeadersProcessIsGone) {
    auto a = candidate("a:1");
    time.run_for(kSecond);
    auto b = candidate("b:1");
    time.run_for(kSecond);
    a.reset();  // In order: its session ends at once.
    time.run_for(kSecond);

    ASSERT_TRUE(b->election.term());
    EXPECT_EQ(b->election.term()->epoch, 2);
}

TEST_F(ElectionTest, AFollowerLeadsWhenTheLeadersSessionHasTimedOut) {
    auto a = candidate("a:1");
    time.run_for(kSecond);
    auto b = candidate("b:1");
    time.run_for(kSecond);
    a->loop.hold();
    time.run_for(4 * kSecond - 100 * kMilli);
    EXPECT_FALSE(b->election.term());
    time.run_for(2 * kSecond);

    EXPECT_TRUE(b->election.term());
    EXPECT_FALSE(a->election.term());
}

TEST_F(ElectionTest, APausedLeaderKnowsAtOnceWhenItGoesOnAndItsWritesAreRefused) {
    auto a = candidate("a:1");
    time.run_for(kSecond);
    auto b = candidate("b:1");
    time.run_for(kSecond);
    const Term old = *a->election.term();
    a->loop.hold();
    time.run_for(15 * kSecond);
    ASSERT_TRUE(b->election.term());

    EXPECT_FALSE(a->election.term());  // Before anything of it has run.
    a->loop.release();
    // The first attempt went to a connection that was lost, so whether it happened is not known.
    EXPECT_EQ(write_by(*a, old, "stale"), Write::kUnknown);
    EXPECT_FALSE(a->told);
    EXPECT_EQ(write_by(*b, *b->election.term(), "fresh"), Write::kDone);
    EXPECT_FALSE(server.exists("/storm/topologies/stale-1"));
    EXPECT_TRUE(server.exists("/storm/topologies/fresh-1"));
}

TEST_F(ElectionTest, ALeaderWithoutConnectionGivesUpBeforeAnotherCanLead) {
    for (const bool silent : {false, true}) {
        ManualTime own_time;
        ManualLoop own_service(own_time);
        MemoryServer own_server(own_service, {kTimeout, [] { return kMilli; }});
        Candidate a(own_time, own_server, "a:1", 1);
        own_time.run_for(kSecond);
        Candidate b(own_time, own_server, "b:1", 1);
        own_time.run_for(kSecond);
        ASSERT_TRUE(a.election.term());

        silent ? own_server.silence(a.loop) : own_server.cut(a.loop);
        bool nobody = false;
        for (int i = 0; i < 10'000 && !b.election.term(); ++i) {
            own_time.run_for(kMilli);
            ASSERT_FALSE(a.election.term() && b.election.term());
            nobody |= !a.told && !b.told;
        }

        EXPECT_TRUE(nobody);
        EXPECT_TRUE(b.election.term());
    }
}

TEST_F(ElectionTest, AShortCutDoesNotEndATerm) {
    auto a = candidate("a:1");
    time.run_for(kSecond);
    server.cut(a->loop);
    time.run_for(kSecond);
    server.mend(a->loop);
    time.run_for(60 * kSecond);

    EXPECT_EQ(a->terms.size(), 1);
    EXPECT_TRUE(a->election.term());
}

TEST_F(ElectionTest, AfterALongerCutTheSameOneLeadsUnderANewEpoch) {
    auto a = candidate("a:1");
    time.run_for(kSecond);
    server.cut(a->loop);
    time.run_for(4 * kSecond);
    EXPECT_FALSE(a->told);
    server.mend(a->loop);
    time.run_for(kSecond);

    ASSERT_EQ(a->terms.size(), 2);
    EXPECT_EQ(a->terms[1].epoch, a->terms[0].epoch + 1);
    EXPECT_TRUE(a->election.term());
}

TEST_F(ElectionTest, AnExpiredSessionEndsTheTermAndTheNextOneStandsAgain) {
    auto a = candidate("a:1");
    time.run_for(kSecond);
    server.expire(a->loop);
    time.run_for(2 * kMilli);
    EXPECT_FALSE(a->told);
    time.run_for(kSecond);

    ASSERT_EQ(a->terms.size(), 2);
    EXPECT_EQ(a->terms[1].epoch, 2);
}

TEST_F(ElectionTest, ATermThatWasWonWithoutAnAnswerIsTakenAnew) {
    auto a = candidate("a:1");
    auto b = candidate("b:1");
    time.run_for(kSecond);
    Candidate& leader = a->told ? *a : *b;
    Candidate& follower = a->told ? *b : *a;
    server.cut_after_next_multi(follower.loop);
    leader.election.resign();
    time.run_for(kSecond);
    EXPECT_TRUE(server.exists("/storm/leader-lock"));
    EXPECT_FALSE(follower.told);

    server.mend(follower.loop);
    time.run_for(2 * kSecond);

    ASSERT_TRUE(follower.told);
    EXPECT_EQ(follower.told->epoch, 3);  // 2 was the one that it never learned of.
}

TEST_F(ElectionTest, ARestartedNimbusTakesOverFromItsFormerSelfAtOnce) {
    auto a = candidate("a:1", 1000);
    time.run_for(kSecond);
    a->loop.hold();  // As if killed: its lock stays until the session times out.

    auto again = candidate("a:1", 2000);
    time.run_for(100 * kMilli);

    EXPECT_TRUE(again->election.term());
}

TEST_F(ElectionTest, ItDoesSoWhenTheClockWasSetBackMeanwhile) {
    auto a = candidate("a:1", 2000);
    time.run_for(kSecond);
    a->loop.hold();

    auto again = candidate("a:1", 1000);
    time.run_for(100 * kMilli);

    EXPECT_TRUE(again->election.term());
}

TEST_F(ElectionTest, WhoHasLedDoesNotTakeOverFromANamesakeThatCameLater) {
    for (const std::int64_t started_ms : {1000, 2000}) {
        auto first = candidate("a:1", 1500);
        time.run_for(kSecond);
        auto late = candidate("a:1", started_ms);
        time.run_for(10 * kSecond);

        EXPECT_TRUE(late->election.term());
        EXPECT_EQ(late->terms.size(), 1);
        EXPECT_FALSE(first->election.term());
        first.reset();
        late.reset();
        time.run_for(10 * kSecond);
    }
}

TEST_F(ElectionTest, WhoResignsGivesTheLockBackAtOnceAndNeverLeadsAgain) {
    auto a = candidate("a:1");
    time.run_for(kSecond);
    auto b = candidate("b:1");
    time.run_for(kSecond);

    a->election.resign();
    EXPECT_FALSE(a->election.term());
    time.run_for(100 * kMilli);
    EXPECT_TRUE(b->election.term());
    b->election.resign();
    time.run_for(60 * kSecond);
    EXPECT_FALSE(a->told);
    EXPECT_FALSE(server.exists("/storm/leader-lock"));
}

TEST_F(ElectionTest, AnIdleLeaderAsksFourTimesASessionTimeout) {
    auto a = candidate("a:1");
    time.run_for(kSecond);

    time.run_for(600 * kSecond);

    EXPECT_EQ(a->terms.size(), 1);
    EXPECT_TRUE(a->election.term());
}

/// Random faults; at every step: one leads at most, and no epoch comes twice. (Without sessions
/// that end before their time, which no ZooKeeper does by itself: those are fenced by versions
/// only.)
std::size_t survive(std::uint64_t seed) {
    base::Random random(seed);
    ManualTime time;
    ManualLoop service(time);
    MemoryServer server(service, {kTimeout, [&] {
                                      return static_cast<base::Micros>(
                                          random.below(random.below(20) == 0 ? 800'000 : 5'000));
                                  }});
    std::vector<std::unique_ptr<Candidate>> all;
    // Killed: their sessions are left to time out, and their successors do not wait for that.
    std::vector<std::unique_ptr<Candidate>> dead;
    std::int64_t started_ms = 1;
    const auto start = [&](std::size_t i) {
        return std::make_unique<Candidate>(time, server, "nimbus:" + std::to_string(i),
                                           ++started_ms);
    };
    for (std::size_t i = 0; i < 2 + seed % 2; ++i) all.push_back(start(i));
    std::set<std::uint64_t> epochs;
    std::size_t terms = 0;
    const auto watch_for = [&](base::Micros duration) {
        for (base::Micros passed = 0; passed < duration; passed += 50 * kMilli) {
            time.run_for(50 * kMilli);
            int leaders = 0;
            for (const auto& each : all) leaders += each->election.term() ? 1 : 0;
            ASSERT_LE(leaders, 1) << "seed " << seed;
        }
    };
    for (int step = 0; step < 30; ++step) {
        const std::size_t i = random.below(static_cast<std::uint32_t>(all.size()));
        Candidate& one = *all[i];
        switch (random.below(8)) {
            case 0:
                server.cut(one.loop);
                break;
            case 1:
                server.silence(one.loop);
                break;
            case 2:
                server.cut_after_next_multi(one.loop);
                break;
            case 3:
                one.loop.hold();
                break;
            case 4:
                one.loop.hold();
                dead.push_back(std::move(all[i]));
                all[i] = start(i);
                break;
            default:
                server.mend(one.loop);
                one.loop.release();
        }
        watch_for(static_cast<base::Micros>(random.below(random.below(4) == 0 ? 9000 : 2000)) *
                  kMilli);
        if (::testing::Test::HasFatalFailure()) return 0;
    }
    for (const auto& each : all) {
        server.mend(each->loop);
        each->loop.release();
    }
    watch_for(20 * kSecond);
    int leaders = 0;
    for (const auto& each : all) leaders += each->election.term() ? 1 : 0;
    EXPECT_EQ(leaders, 1) << "somebody leads in the end; seed " << seed;
    for (const auto* const some : {&all, &dead}) {
        for (const auto& each : *some) {
            terms += each->terms.size();
            for (const Term& term : each->terms) epochs.insert(term.epoch);
        }
    }
    EXPECT_EQ(epochs.size(), terms) << "no epoch twice; seed " << seed;
    return terms;
}

TEST(Election, SurvivesAnyOrderOfFaults) {
    base::log::set_level(base::LogLevel::kError);
    std::size_t terms = 0;
    for (std::uint64_t seed = 1; seed <= 3000 && !::testing::Test::HasFailure(); ++seed) {
        terms += survive(seed);
    }
    EXPECT_GT(terms, 4 * 3000) << "the faults make leaders change";
}

}  // namespace
}  // namespace storm::coordination

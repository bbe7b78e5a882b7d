// Goal:   daemons follow what is, whatever happens to their connections; a leader's writes happen
//         once, in order, and only while it leads.
// Method: the twin on simulated time, each fault by hand; the tree is looked at directly.

#include "coordination/cluster_state.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/record_codec.h"
#include "coordination/election.h"
#include "coordination/memory_coordination.h"
#include "tests/cluster/any_record.h"
#include "tests/support/manual_loop.h"

namespace storm::coordination {
namespace {

using cluster::AnyRecord;
using cluster::Assignment;
using cluster::kErrorBytesMax;
using cluster::kRecordBytesMax;
using cluster::kTopologyErrorsMax;
using cluster::Leadership;
using cluster::Removal;
using cluster::Status;
using cluster::SupervisorRecord;
using cluster::TopologyErrors;
using cluster::TopologyRecord;

using storm::testing::ManualLoop;
using storm::testing::ManualTime;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;

constexpr base::Micros kMilli = base::kMicrosPerMilli;
constexpr base::Micros kSecond = base::kMicrosPerSecond;

TopologyRecord topology(const std::string& name) {
    TopologyRecord record = AnyRecord(1).topology();
    record.id = name + "-1-1";
    record.name = name;
    record.status = Status::kActive;
    return record;
}

Assignment assignment(const std::string& topology, std::uint64_t epoch = 0) {
    Assignment record;
    record.topology = topology;
    record.epoch = epoch;
    return record;
}

SupervisorRecord supervisor(const std::string& id, std::int64_t started_ms = 1) {
    return {id,         "host-of-" + id, 8000, {6700},   "1", "x86_64", "2.36", {},
            started_ms, "home-of-" + id, 7,    "seccomp"};
}

struct Daemon {
    Daemon(ManualTime& time, MemoryServer& server)
        : loop(time),
          session(
              loop, [this, &server] { return server.connect(loop); }, "/a/storm"),
          state(session) {}

    ManualLoop loop;
    Session session;
    ClusterState state;
};

struct ClusterStateTest : ::testing::Test {
    ManualTime time;
    ManualLoop service{time};
    MemoryServer server{service, {5 * kSecond, [] { return kMilli; }}};
    Daemon nimbus{time, server};
    Daemon other{time, server};
    Term term;

    void SetUp() override {
        time.run_for(kSecond);
        term = begin_term();
    }
    /// As an election does.
    Term begin_term() {
        EXPECT_EQ(server.change({SetData{"/a/storm/leader", encode(Leadership{1, "n:1", 1})}}),
                  CoordinationError::kNone);
        return {1, ++version};
    }
    ClusterState::Wrote into(std::optional<Write>& outcome) {
        return [&outcome](Write write) {
            EXPECT_FALSE(outcome) << "told once";
            outcome = write;
        };
    }
    Write create(const std::string& name) {
        std::optional<Write> outcome;
        const TopologyRecord record = topology(name);
        nimbus.state.create_topology(term, record, assignment(record.id), into(outcome));
        time.run_for(kSecond);
        return outcome.value_or(Write::kFailed);
    }

    std::int32_t version = 0;
};

TEST_F(ClusterStateTest, MakesItsNodesWhereThereIsNothing) {
    EXPECT_THAT(server.children("/a/storm"),
                ElementsAre("assignments", "errors", "leader", "names", "nimbuses", "removed",
                            "supervisors", "topologies"));
    EXPECT_TRUE(nimbus.session.ready());
}

TEST_F(ClusterStateTest, ATopologyIsCreatedWithItsNameAndRemovedWithAllThatBelongsToIt) {
    EXPECT_EQ(create("wc"), Write::kDone);
    EXPECT_EQ(server.data("/a/storm/names/wc"), "wc-1-1");
    EXPECT_EQ(*cluster::decode<TopologyRecord>(server.data("/a/storm/topologies/wc-1-1")),
              topology("wc"));

    std::optional<Write> removed;
    nimbus.state.remove_topology(term, "wc-1-1", "wc", {}, into(removed));
    std::optional<Write> again;
    nimbus.state.remove_topology(term, "wc-1-1", "wc", {}, into(again));
    time.run_for(kSecond);

    EXPECT_EQ(removed, Write::kDone);
    EXPECT_EQ(again, Write::kDone);
    for (const char* const folder : {"names", "topologies", "assignments", "errors"}) {
        EXPECT_THAT(server.children(std::string("/a/storm/") + folder), IsEmpty()) << folder;
    }
}

TEST_F(ClusterStateTest, ANameIsTakenOnce) {
    EXPECT_EQ(create("wc"), Write::kDone);
    TopologyRecord namesake = topology("wc");
    namesake.id = "wc-2-2";
    std::optional<Write> outcome;
    nimbus.state.create_topology(term, namesake, assignment("wc-2-2"), into(outcome));
    time.run_for(kSecond);

    EXPECT_EQ(outcome, Write::kNameTaken);
    EXPECT_FALSE(server.exists("/a/storm/topologies/wc-2-2"));
    EXPECT_EQ(create("wc"), Write::kDone) << "the same one again, as after a lost answer";
}

TEST_F(ClusterStateTest, ACreationWhoseAnswerIsLostIsDoneAndTold) {
    server.cut_after_next_multi(nimbus.loop);
    std::optional<Write> outcome;
    nimbus.state.create_topology(term, topology("wc"), assignment("wc-1-1"), into(outcome));
    time.run_for(kSecond);
    EXPECT_TRUE(server.exists("/a/storm/topologies/wc-1-1"));
    EXPECT_FALSE(outcome);

    server.mend(nimbus.loop);
    time.run_for(2 * kSecond);

    EXPECT_EQ(outcome, Write::kDone);
}

TEST_F(ClusterStateTest, WritesKeepTheirOrderOverALostConnection) {
    ASSERT_EQ(create("wc"), Write::kDone);
    std::vector<Write> outcomes;
    const auto note = [&](Write write) { outcomes.push_back(write); };
    server.cut_after_next_multi(nimbus.loop);
    for (std::uint64_t epoch = 1; epoch <= 5; ++epoch) {
        nimbus.state.set_assignment(term, assignment("wc-1-1", epoch), note);
    }
    time.run_for(kSecond);
    server.mend(nimbus.loop);
    time.run_for(5 * kSecond);

    EXPECT_EQ(outcomes, std::vector<Write>(5, Write::kDone));
    EXPECT_EQ(cluster::decode<Assignment>(server.data("/a/storm/assignments/wc-1-1"))->epoch, 5);
}

TEST_F(ClusterStateTest, AWriteThatWaitsThroughAnExpiredSessionIsDoneInTheNext) {
    ASSERT_EQ(create("wc"), Write::kDone);
    server.cut(nimbus.loop);
    time.run_for(kMilli);
    std::optional<Write> outcome;
    nimbus.state.set_assignment(term, assignment("wc-1-1", 1), into(outcome));
    time.run_for(60 * kSecond);
    EXPECT_FALSE(outcome);

    server.mend(nimbus.loop);
    time.run_for(2 * kSecond);

    EXPECT_EQ(outcome, Write::kDone);
}

TEST_F(ClusterStateTest, AWriteIsGivenUpAfterTooManyLostConnections) {
    ASSERT_EQ(create("wc"), Write::kDone);
    std::optional<Write> outcome;
    nimbus.state.set_assignment(term, assignment("wc-1-1", 1), into(outcome));
    for (int i = 0; i < kWriteTriesMax && !outcome; ++i) {
        server.cut_after_next_multi(nimbus.loop);
        time.run_for(kSecond);
        server.mend(nimbus.loop);
    }
    time.run_for(kSecond);

    EXPECT_EQ(outcome, Write::kUnknown);
}

TEST_F(ClusterStateTest, AWriteThatMayHaveHappenedBeforeAnotherTermBeganIsNotSaidToHaveFailed) {
    ASSERT_EQ(create("wc"), Write::kDone);
    const Term old = term;
    server.cut_after_next_multi(nimbus.loop);
    std::optional<Write> outcome;
    nimbus.state.set_assignment(old, assignment("wc-1-1", 9), into(outcome));
    time.run_for(kSecond);
    begin_term();
    server.mend(nimbus.loop);
    time.run_for(2 * kSecond);

    EXPECT_EQ(cluster::decode<Assignment>(server.data("/a/storm/assignments/wc-1-1"))->epoch, 9);
    EXPECT_EQ(outcome, Write::kUnknown);
}

TEST_F(ClusterStateTest, NoWriteOfADeposedLeaderHappens) {
    ASSERT_EQ(create("wc"), Write::kDone);
    const Term old = term;
    begin_term();
    std::vector<Write> outcomes;
    const auto note = [&](Write write) { outcomes.push_back(write); };
    const TopologyRecord killed = [] {
        TopologyRecord record = topology("wc");
        record.status = Status::kKilled;
        return record;
    }();

    nimbus.state.create_topology(old, topology("two"), assignment("two-1-1"), note);
    nimbus.state.set_assignment(old, assignment("wc-1-1", 9), note);
    nimbus.state.update(old, killed, assignment("wc-1-1", 9), note);
    nimbus.state.add_errors(old, "wc-1-1", {{"c", "e", 1}}, note);
    nimbus.state.remove_topology(old, "wc-1-1", "wc", {}, note);
    time.run_for(kSecond);

    EXPECT_EQ(outcomes, std::vector<Write>(5, Write::kDeposed));
    EXPECT_EQ(*cluster::decode<TopologyRecord>(server.data("/a/storm/topologies/wc-1-1")),
              topology("wc"));
    EXPECT_EQ(cluster::decode<Assignment>(server.data("/a/storm/assignments/wc-1-1"))->epoch, 0);
    EXPECT_FALSE(server.exists("/a/storm/names/two"));
}

TEST_F(ClusterStateTest, WhatIsNotThereTooLargeOrUnreadableIsRefused) {
    std::vector<Write> outcomes;
    const auto note = [&](Write write) { outcomes.push_back(write); };
    TopologyRecord large = topology("large");
    large.description = std::string(kRecordBytesMax, 'x');
    TopologyRecord broken = topology("broken");
    broken.secret.clear();

    nimbus.state.update(term, topology("none"), assignment("none-1-1"), note);
    nimbus.state.set_assignment(term, assignment("none-1-1"), note);
    nimbus.state.add_errors(term, "none-1-1", {{"", "e", 1}}, note);
    nimbus.state.create_topology(term, large, assignment("large-1-1"), note);
    nimbus.state.create_topology(term, broken, assignment("broken-1-1"), note);
    EXPECT_TRUE(outcomes.empty()) << "no callback from inside a call";
    time.run_for(kSecond);

    EXPECT_THAT(outcomes, ::testing::UnorderedElementsAre(Write::kNotFound, Write::kNotFound,
                                                          Write::kNotFound, Write::kTooLarge,
                                                          Write::kFailed));
}

TEST_F(ClusterStateTest, TheLastErrorsOfATopologyAreKept) {
    ASSERT_EQ(create("wc"), Write::kDone);
    for (int i = 0; i < 30; ++i) {
        nimbus.state.add_errors(term, "wc-1-1",
                                {{"count", std::to_string(i) + std::string(5000, 'x'), i}},
                                [](Write write) { EXPECT_EQ(write, Write::kDone); });
    }
    std::map<std::string, TopologyErrors> seen;
    other.state.follow_errors([&](const auto& errors) { seen = errors; });
    time.run_for(5 * kSecond);

    ASSERT_EQ(seen["wc-1-1"].errors.size(), kTopologyErrorsMax);
    EXPECT_EQ(seen["wc-1-1"].errors.front().time_ms, 10);
    EXPECT_EQ(seen["wc-1-1"].errors.back().time_ms, 29);
    EXPECT_EQ(seen["wc-1-1"].errors.back().error.size(), kErrorBytesMax);
}

TEST_F(ClusterStateTest, ReadsOneTopologyAndAll) {
    ASSERT_EQ(create("a"), Write::kDone);
    ASSERT_EQ(create("b"), Write::kDone);
    server.change({Create{"/a/storm/topologies/broken", "not a record"},
                   Create{"/a/storm/topologies/copied", encode(topology("a"))}});
    std::optional<TopologyRecord> found;
    bool missing = false;
    bool broken = false;
    ClusterSnapshot all;

    other.state.read_topology("a-1-1", [&](auto record) { found = *record; });
    other.state.read_topology("none", [&](auto record) { missing = record && !*record; });
    other.state.read_topology("broken", [&](auto record) { broken = !record; });
    other.state.read_all(term, [&](auto snapshot) { all = std::move(snapshot).value(); });
    time.run_for(kSecond);

    EXPECT_EQ(found, topology("a"));
    EXPECT_TRUE(missing);
    EXPECT_TRUE(broken);
    EXPECT_THAT(all.topologies, ElementsAre(Key("a-1-1"), Key("b-1-1")));
    EXPECT_THAT(all.assignments, ElementsAre(Key("a-1-1"), Key("b-1-1")));
    EXPECT_THAT(all.unreadable_topologies, ElementsAre(Key("broken"), Key("copied")));
    EXPECT_THAT(all.unreadable_assignments, IsEmpty());
}

TEST_F(ClusterStateTest, ARemovalLeavesAMarkUntilItIsSwept) {
    create("wc");
    std::vector<bool> told;
    other.state.follow_removal("wc-1-1", [&](bool removed) { told.push_back(removed); });
    time.run_for(kSecond);
    EXPECT_THAT(told, ElementsAre(false));

    std::optional<Write> removed;
    nimbus.state.remove_topology(term, "wc-1-1", "wc", {"its key"}, into(removed));
    ClusterSnapshot all;
    nimbus.state.read_all(term, [&](auto snapshot) { all = std::move(snapshot).value(); });
    time.run_for(kSecond);
    EXPECT_THAT(told, ElementsAre(false, true));
    EXPECT_THAT(all.topologies, IsEmpty());
    EXPECT_THAT(all.removed, ElementsAre(Pair("wc-1-1", Removal{"its key"})));

    std::optional<Write> swept;
    nimbus.state.forget_removal(term, "wc-1-1", into(swept));
    time.run_for(kSecond);
    EXPECT_EQ(swept, Write::kDone);
    EXPECT_THAT(told, ElementsAre(false, true, false));
    other.state.unfollow_removal("wc-1-1");
    std::optional<Write> again;
    nimbus.state.remove_topology(term, "wc-1-1", "wc", {}, into(again));
    time.run_for(kSecond);
    EXPECT_EQ(told.size(), 3) << "it is not told any more";
}

TEST_F(ClusterStateTest, WhatIsNotThereIsMarkedAsRemovedByWhoRemovesIt) {
    std::optional<Write> removed;
    nimbus.state.remove_topology(term, "lost-1-1", "lost", {"its key"}, into(removed));
    std::optional<Write> again;
    nimbus.state.remove_topology(term, "lost-1-1", "lost", {}, into(again));
    time.run_for(kSecond);

    EXPECT_EQ(removed, Write::kDone);
    EXPECT_EQ(again, Write::kDone);
    EXPECT_THAT(server.children("/a/storm/removed"), ElementsAre("lost-1-1"));
    EXPECT_EQ(server.data("/a/storm/removed/lost-1-1"), encode(Removal{"its key"}));
}

TEST_F(ClusterStateTest, AMarkCountsWhateverIsInIt) {
    server.change(
        {Create{"/a/storm/removed/old-1-1", ""}, Create{"/a/storm/removed/odd-1-1", "garbage"}});

    ClusterSnapshot all;
    nimbus.state.read_all(term, [&](auto snapshot) { all = std::move(snapshot).value(); });
    time.run_for(kSecond);

    EXPECT_THAT(all.removed, ElementsAre(Pair("odd-1-1", Removal{}), Pair("old-1-1", Removal{})));
}

TEST_F(ClusterStateTest, ALostOneThatIsRemovedLeavesTheNameToTheOneThatHasItNow) {
    create("wc");
    std::optional<Write> removed;
    nimbus.state.remove_topology(term, "wc-0-0", "wc", {}, into(removed));
    time.run_for(kSecond);

    EXPECT_EQ(removed, Write::kDone);
    EXPECT_EQ(server.data("/a/storm/names/wc"), "wc-1-1");
    EXPECT_TRUE(server.exists("/a/storm/topologies/wc-1-1"));
}

struct FollowTest : ClusterStateTest {
    void SetUp() override {
        ClusterStateTest::SetUp();
        other.state.follow_assignments([this](const auto& records) {
            ++calls;
            seen = records;
        });
        time.run_for(100 * kMilli);
    }
    void set(const std::string& name, std::uint64_t epoch) {
        server.change({SetData{"/a/storm/assignments/" + name, encode(assignment(name, epoch))}});
    }
    void add(const std::string& name) {
        server.change({Create{"/a/storm/assignments/" + name, encode(assignment(name))}});
    }

    int calls = 0;
    std::map<std::string, Assignment> seen;
};

TEST_F(FollowTest, TellsTheEmptySetAtOnceAndNothingWhileNothingChanges) {
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(seen.empty());
    time.run_for(600 * kSecond);
    EXPECT_EQ(calls, 1);
}

TEST_F(FollowTest, TellsWhatComesChangesAndGoes) {
    add("a");
    time.run_for(100 * kMilli);
    EXPECT_THAT(seen, ElementsAre(Key("a")));
    set("a", 7);
    time.run_for(100 * kMilli);
    EXPECT_EQ(seen["a"].epoch, 7);
    server.change({Remove{"/a/storm/assignments/a"},
                   Create{"/a/storm/assignments/a", encode(assignment("a", 8))}});
    time.run_for(100 * kMilli);
    EXPECT_EQ(seen["a"].epoch, 8);
    server.change({Remove{"/a/storm/assignments/a"}});
    time.run_for(100 * kMilli);
    EXPECT_TRUE(seen.empty());
}

TEST_F(FollowTest, TakesSeveralChangesTogether) {
    for (int i = 0; i < 50; ++i) add("t" + std::to_string(i));
    time.run_for(100 * kMilli);
    EXPECT_EQ(seen.size(), 50);
    EXPECT_LE(calls, 4);
}

TEST_F(FollowTest, ConstantChangeDelaysNoNews) {
    add("busy");
    add("calm");
    for (std::uint64_t i = 1; i <= 200; ++i) {
        set("busy", i);
        if (i == 20) set("calm", 5);
        time.run_for(kMilli);
        if (i == 40) {
            EXPECT_EQ(seen["calm"].epoch, 5);
        }
    }
    time.run_for(100 * kMilli);
    EXPECT_EQ(seen["busy"].epoch, 200);
}

TEST_F(FollowTest, LearnsAfterACutWhatChangedMeanwhile) {
    add("a");
    add("b");
    time.run_for(100 * kMilli);
    server.cut(other.loop);
    time.run_for(kSecond);
    set("a", 3);
    server.change({Remove{"/a/storm/assignments/b"}});
    add("c");
    time.run_for(kSecond);
    EXPECT_THAT(seen, ElementsAre(Key("a"), Key("b"))) << "what was told stands";

    server.mend(other.loop);
    time.run_for(100 * kMilli);

    EXPECT_THAT(seen, ElementsAre(Key("a"), Key("c")));
    EXPECT_EQ(seen["a"].epoch, 3);
}

TEST_F(FollowTest, LearnsInANewSessionWhatChangedSinceTheOldOne) {
    add("a");
    add("b");
    time.run_for(100 * kMilli);
    server.cut(other.loop);
    time.run_for(20 * kSecond);
    set("a", 3);
    server.change({Remove{"/a/storm/assignments/b"}});
    server.mend(other.loop);
    time.run_for(100 * kMilli);
    EXPECT_THAT(seen, ElementsAre(Key("a")));
    EXPECT_EQ(seen["a"].epoch, 3);

    set("a", 4);
    time.run_for(100 * kMilli);
    EXPECT_EQ(seen["a"].epoch, 4) << "watches are there again";
}

TEST_F(FollowTest, SurvivesACutAtAnyMoment) {
    for (int moment = 0; moment < 12; ++moment) {
        add("t" + std::to_string(moment));
        set("t0", static_cast<std::uint64_t>(moment));
        time.run_for(moment * kMilli / 2);
        server.cut(other.loop);
        time.run_for(3 * kMilli);
        server.mend(other.loop);
        time.run_for(3 * kSecond);
        ASSERT_EQ(seen.size(), static_cast<std::size_t>(moment) + 1) << moment;
        ASSERT_EQ(seen["t0"].epoch, static_cast<std::uint64_t>(moment)) << moment;
    }
}

TEST_F(FollowTest, ARecordInTheNodeOfAnotherCannotBeRead) {
    add("a");
    server.change({Create{"/a/storm/assignments/b", encode(assignment("a"))}});
    time.run_for(100 * kMilli);
    EXPECT_THAT(seen, ElementsAre(Key("a")));
    EXPECT_THAT(other.state.unreadable_assignments(),
                ElementsAre(Pair("b", "it is the record of \"a\"")));
}

TEST_F(FollowTest, TellsWhatCannotBeReadApartFromWhatIsNotThere) {
    add("a");
    server.change({Create{"/a/storm/assignments/b", "nonsense"}});
    time.run_for(100 * kMilli);
    EXPECT_THAT(seen, ElementsAre(Key("a")));
    EXPECT_THAT(other.state.unreadable_assignments(), ElementsAre(Key("b")));

    set("b", 1);
    time.run_for(100 * kMilli);
    EXPECT_THAT(seen, ElementsAre(Key("a"), Key("b")));
    EXPECT_THAT(other.state.unreadable_assignments(), IsEmpty());
}

TEST_F(FollowTest, WhatCanNoLongerBeReadStandsAsItWasUntilItIsGone) {
    add("a");
    set("a", 7);
    time.run_for(100 * kMilli);
    const int calls_before = calls;
    server.change({SetData{"/a/storm/assignments/a", "nonsense"}});
    time.run_for(100 * kMilli);
    EXPECT_EQ(calls, calls_before + 1) << "that it cannot be read is news";
    EXPECT_EQ(seen.at("a").epoch, 7);
    EXPECT_THAT(other.state.unreadable_assignments(), ElementsAre(Key("a")));
    server.expire(other.loop);
    time.run_for(2 * kSecond);
    EXPECT_EQ(seen.at("a").epoch, 7);
    EXPECT_EQ(calls, calls_before + 2) << "once in each session";

    server.change({Remove{"/a/storm/assignments/a"}});
    time.run_for(100 * kMilli);
    EXPECT_THAT(seen, IsEmpty());
    EXPECT_THAT(other.state.unreadable_assignments(), IsEmpty());
}

TEST_F(FollowTest, TheSetIsToldEvenIfNothingOfItCanBeRead) {
    server.change({Create{"/a/storm/assignments/a", "nonsense"}});
    Daemon third(time, server);
    std::optional<std::size_t> told;
    third.state.follow_assignments([&](const auto& records) { told = records.size(); });

    time.run_for(100 * kMilli);

    EXPECT_EQ(told, 0U);
    EXPECT_THAT(third.state.unreadable_assignments(), ElementsAre(Key("a")));
}

struct PublishTest : ClusterStateTest {
    std::vector<std::string> replaced;
    ClusterState::Replaced note() {
        return [this](const std::string& who) { replaced.push_back(who); };
    }
    std::optional<SupervisorRecord> there(const std::string& id) {
        if (!server.exists("/a/storm/supervisors/" + id)) return std::nullopt;
        return *cluster::decode<SupervisorRecord>(server.data("/a/storm/supervisors/" + id));
    }
};

TEST_F(PublishTest, ADaemonIsThereAsLongAsItLives) {
    auto daemon = std::make_unique<Daemon>(time, server);
    daemon->state.publish(supervisor("s"), note());
    time.run_for(kSecond);
    EXPECT_EQ(there("s"), supervisor("s"));

    daemon.reset();
    time.run_for(kSecond);
    EXPECT_FALSE(there("s"));
}

TEST_F(PublishTest, ItIsThereAgainInANewSessionAndWhenItWasRemoved) {
    other.state.publish(supervisor("s"), note());
    time.run_for(kSecond);
    server.expire(other.loop);
    EXPECT_FALSE(there("s"));
    time.run_for(kSecond);
    EXPECT_TRUE(there("s"));

    server.change({Remove{"/a/storm/supervisors/s"}});
    time.run_for(kSecond);
    EXPECT_TRUE(there("s"));
    EXPECT_TRUE(replaced.empty());
}

TEST_F(PublishTest, AWriteThatWasLostOnTheWayIsMadeUpFor) {
    for (int moment = 0; moment < 10; ++moment) {
        Daemon daemon(time, server);
        time.run_for(kSecond);
        daemon.state.publish(supervisor("s" + std::to_string(moment)), note());
        time.run_for(moment * kMilli / 2);
        server.cut(daemon.loop);
        time.run_for(3 * kMilli);
        server.mend(daemon.loop);
        time.run_for(3 * kSecond);
        EXPECT_TRUE(there("s" + std::to_string(moment))) << moment;
    }
}

TEST_F(PublishTest, ItReplacesWhatItsFormerProcessLeft) {
    auto killed = std::make_unique<Daemon>(time, server);
    killed->state.publish(supervisor("s", 1000), note());
    time.run_for(kSecond);
    killed->loop.hold();

    other.state.publish(supervisor("s", 2000), note());
    time.run_for(100 * kMilli);
    EXPECT_EQ(there("s"), supervisor("s", 2000));
    time.run_for(20 * kSecond);
    EXPECT_EQ(there("s"), supervisor("s", 2000)) << "and it outlives the former session";
}

TEST_F(PublishTest, ItDoesSoWhenTheClockWasSetBackMeanwhile) {
    auto killed = std::make_unique<Daemon>(time, server);
    killed->state.publish(supervisor("s", 2000), note());
    time.run_for(kSecond);
    killed->loop.hold();

    other.state.publish(supervisor("s", 1000), note());
    time.run_for(20 * kSecond);

    EXPECT_EQ(there("s"), supervisor("s", 1000));
    EXPECT_TRUE(replaced.empty());
}

TEST_F(PublishTest, OfTwoProcessesOfOneHomeWhoCameFirstGivesWay) {
    for (const std::int64_t started_ms : {500, 2000}) {
        Daemon first(time, server);
        replaced.clear();
        first.state.publish(supervisor("s", 1000), note());
        time.run_for(kSecond);
        SupervisorRecord second = supervisor("s", started_ms);
        second.host = "elsewhere";
        Daemon late(time, server);
        late.state.publish(second, [](const std::string&) { FAIL(); });
        time.run_for(60 * kSecond);

        EXPECT_EQ(there("s"), second);
        EXPECT_EQ(replaced, std::vector<std::string>{"process 7 on elsewhere"});
    }
}

TEST_F(PublishTest, ANewSessionIsNoOtherProcess) {
    other.state.publish(supervisor("s", 1000), note());
    time.run_for(kSecond);
    for (int i = 0; i < 3; ++i) {
        SupervisorRecord changed = supervisor("s", 1000);
        changed.slots = {static_cast<std::uint16_t>(6700 + i)};
        server.expire(other.loop);
        other.state.publish(changed, note());
        time.run_for(kSecond);
        EXPECT_EQ(there("s"), changed);
    }
    EXPECT_TRUE(replaced.empty());
}

TEST_F(PublishTest, OfTwoHomesUnderOneIdWhoIsThereStays) {
    for (const std::int64_t started_ms : {500, 2000}) {
        Daemon first(time, server);
        first.state.publish(supervisor("s", 1000), [](const std::string&) { FAIL(); });
        time.run_for(kSecond);
        SupervisorRecord second = supervisor("s", started_ms);
        second.home = "another";
        Daemon late(time, server);
        replaced.clear();
        late.state.publish(second, note());
        time.run_for(60 * kSecond);

        EXPECT_EQ(there("s"), supervisor("s", 1000));
        EXPECT_EQ(replaced, std::vector<std::string>{"process 7 on host-of-s"});
    }
}

TEST_F(PublishTest, AnotherHomeTakesAnIdWhoseOwnerHasGone) {
    nimbus.state.publish(supervisor("s", 1000), note());
    time.run_for(kSecond);
    nimbus.loop.hold();
    time.run_for(20 * kSecond);  // Longer than its session.
    SupervisorRecord second = supervisor("s", 2000);
    second.home = "another";
    other.state.publish(second, note());
    time.run_for(kSecond);

    EXPECT_EQ(there("s"), second);
    EXPECT_TRUE(replaced.empty());
}

TEST_F(PublishTest, AnUpdateReplacesTheRecord) {
    other.state.publish(supervisor("s"), note());
    time.run_for(kSecond);
    SupervisorRecord more = supervisor("s");
    more.slots = {6700, 6701};
    other.state.publish(more, note());
    time.run_for(kSecond);
    EXPECT_EQ(there("s"), more);
}

TEST_F(ClusterStateTest, WhoLeadsIsFollowed) {
    std::vector<std::string> leaders;
    other.state.follow_leader([&](const std::optional<Leadership>& leader) {
        leaders.push_back(leader ? leader->nimbus : "nobody");
    });
    time.run_for(kSecond);
    auto election =
        std::make_unique<Election>(nimbus.session, "n:1", 1, [](std::optional<Term>) {});
    time.run_for(kSecond);
    election->resign();
    time.run_for(kSecond);

    EXPECT_THAT(leaders, ElementsAre("nobody", "n:1", "nobody"));
}

}  // namespace
}  // namespace storm::coordination

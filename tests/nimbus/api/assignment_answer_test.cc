// Goal:   a worker that asks for itself can believe what Nimbus says, also of a topology that was
//         removed before this Nimbus began to lead; and gets no such answer from one that cannot
//         know.
// Method: simulated Nimbuses on the in-memory ZooKeeper; the worker's side reads what they answer.

#include "nimbus/api/assignment_answer.h"

#include <memory>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/record_codec.h"
#include "cluster/sealed_answer.h"
#include "nimbus/limits.h"
#include "tests/nimbus/simulated.h"
#include "worker/serve/nimbus_answer.h"

namespace storm::nimbus {
namespace {

using base::kMicrosPerSecond;
using tests::SimulatedNimbus;
using tests::SimulatedSupervisor;
using tests::World;
using Answer = worker::Lease::Answer;

const std::string kChallenge(64, 'a');

class AssignmentAnswerTest : public ::testing::Test {
protected:
    AssignmentAnswerTest() {
        run();
        id = nimbus->submit("wc", 1);
        asked = question();
    }

    void run(base::Micros duration = kMicrosPerSecond) { world.time.run_for(duration); }
    /// As its workers ask, with the secret that their Supervisor gives them.
    worker::AskedNimbus question() const {
        const auto record =
            cluster::decode<cluster::TopologyRecord>(world.server.data("/storm/topologies/" + id));
        const std::string secret = cluster::Seal("token").opened(*record)->secret;
        return {id, cluster::answer_key(secret, id), kChallenge, 1};
    }
    std::optional<net::HttpResponse> ask(SimulatedNimbus& whom,
                                         const std::string& challenge = kChallenge) const {
        net::HttpRequest request;
        request.target = "/api/v1/assignments/" + id + "?worker=0";
        if (!challenge.empty()) request.headers[cluster::kChallengeHeader] = challenge;
        return assignment_answer(request, id, whom.topologies);
    }
    worker::NimbusAnswer heard(SimulatedNimbus& from) const {
        const auto response = ask(from);
        return response ? worker::answer_in(*response, asked) : worker::NimbusAnswer{};
    }
    void remove() {
        ASSERT_EQ(nimbus->kill("wc", 0), "");
        run(2 * kKillGraceMs * 1000);
        ASSERT_TRUE(world.server.exists("/storm/removed/" + id));
    }
    void restart_nimbus() {
        nimbus.reset();
        run(2 * tests::kSessionTimeout);
        nimbus = std::make_unique<SimulatedNimbus>(world, "n1:6627");
        run(5 * kMicrosPerSecond);
        ASSERT_TRUE(nimbus->topologies.leading());
    }

    World world;
    SimulatedSupervisor supervisor{world, "s1", 1};
    std::unique_ptr<SimulatedNimbus> nimbus = std::make_unique<SimulatedNimbus>(world, "n1:6627");
    std::string id;
    worker::AskedNimbus asked;
};

TEST_F(AssignmentAnswerTest, AWorkerBelievesWhereItsTopologyRuns) {
    const worker::NimbusAnswer said = heard(*nimbus);

    EXPECT_EQ(said.answer, Answer::kYours) << said.distrust;
    EXPECT_EQ(said.assignment, nimbus->assignment("wc"));
    EXPECT_TRUE(nimbus->topologies.is_asking(id, 0));
}

TEST_F(AssignmentAnswerTest, AWorkerHearsOfEachChange) {
    EXPECT_EQ(heard(*nimbus).assignment->status, cluster::Status::kActive);

    ASSERT_EQ(nimbus->ask([&](const Answered& done) { nimbus->topologies.deactivate("wc", done); }),
              "");
    EXPECT_EQ(heard(*nimbus).assignment, nimbus->assignment("wc"));
    EXPECT_EQ(heard(*nimbus).assignment->status, cluster::Status::kInactive);
}

TEST_F(AssignmentAnswerTest, AnyNimbusKnowsAndIsBelieved) {
    SimulatedNimbus second{world, "n2:6627"};
    run();

    EXPECT_EQ(heard(second).answer, Answer::kYours);
}

TEST_F(AssignmentAnswerTest, AWorkerBelievesThatItsTopologyWasRemovedAlsoAfterARestart) {
    remove();
    EXPECT_EQ(heard(*nimbus).answer, Answer::kGone);

    restart_nimbus();
    const worker::NimbusAnswer said = heard(*nimbus);
    EXPECT_EQ(said.answer, Answer::kGone) << said.distrust;
}

TEST_F(AssignmentAnswerTest, OfARemovalAStandbySaysNothing) {
    SimulatedNimbus second{world, "n2:6627"};
    remove();

    EXPECT_FALSE(ask(second));
    EXPECT_EQ(heard(*nimbus).answer, Answer::kGone);
}

TEST_F(AssignmentAnswerTest, WhoWasAwayFromZooKeeperSaysNothingBeforeItHasLookedAgain) {
    SimulatedNimbus second{world, "n2:6627"};
    run();
    world.server.cut(second.loop);
    run(4 * tests::kSessionTimeout);
    ASSERT_EQ(nimbus->ask([&](const Answered& done) { nimbus->topologies.deactivate("wc", done); }),
              "");
    ASSERT_EQ(nimbus->assignment("wc")->epoch, 2U);

    world.server.mend(second.loop);
    const auto end = world.time.now() + 60 * kMicrosPerSecond;
    std::optional<net::HttpResponse> first;
    while (!first && world.time.now() < end) {
        run(10);
        if (second.session.ready()) first = ask(second);
    }

    ASSERT_TRUE(first);
    EXPECT_EQ(worker::answer_in(*first, asked).assignment->epoch, 2U);
}

TEST_F(AssignmentAnswerTest, OneThatWasRemovedUnreadableIsKnownAsItWas) {
    world.server.change({coordination::SetData{"/storm/topologies/" + id, "garbage"}});
    restart_nimbus();
    EXPECT_EQ(nimbus->status("wc"), "UNREADABLE");
    remove();

    EXPECT_EQ(ask(*nimbus)->status, 410);
    EXPECT_EQ(heard(*nimbus).answer, Answer::kNone) << "it has never known its secret";
}

TEST_F(AssignmentAnswerTest, AMarkOfAnOlderNimbusEndsNobodyByItself) {
    remove();
    world.server.change({coordination::SetData{"/storm/removed/" + id, ""}});
    restart_nimbus();

    EXPECT_EQ(ask(*nimbus)->status, 410);
    EXPECT_EQ(heard(*nimbus).distrust, "it has no seal");
}

TEST_F(AssignmentAnswerTest, WhatLiesInZooKeeperMakesNoSeal) {
    remove();
    const std::string mark = world.server.data("/storm/removed/" + id);

    EXPECT_THAT(mark, ::testing::Not(::testing::HasSubstr(asked.key)));
    EXPECT_EQ(
        cluster::Seal("another token").answer_key(id, *cluster::decode<cluster::Removal>(mark)),
        std::nullopt);
}

TEST_F(AssignmentAnswerTest, WithoutAChallengeNothingIsSealedAndAMalformedOneIsRefused) {
    EXPECT_EQ(ask(*nimbus, "")->status, 200);
    EXPECT_EQ(ask(*nimbus, "")->headers.count(cluster::kAnswerSealHeader), 0U);
    for (const std::string& wrong : {std::string("a"), std::string(64, 'z'), kChallenge + 'a'}) {
        const auto refused = ask(*nimbus, wrong);
        EXPECT_EQ(refused->status, 400);
        EXPECT_EQ(refused->headers.count(cluster::kAnswerSealHeader), 0U);
    }
}

TEST_F(AssignmentAnswerTest, OfATopologyThatIsNotKnownThereIsNoAnswer) {
    id = "other-1-1";

    EXPECT_FALSE(ask(*nimbus));
}

}  // namespace
}  // namespace storm::nimbus

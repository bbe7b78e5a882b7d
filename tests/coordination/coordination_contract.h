// The contract of every Coordination: one set of tests for the real ZooKeeper and for its twin.
//
// A rig gives clients, waits, and makes faults:
//     std::unique_ptr<Coordination> connect()
//     bool until(std::function<bool()>)       runs the loop until it holds; false: too long
//     void settle()                           runs on for a moment in which nothing may happen
//     void expire(Coordination&)              ends all sessions; that one's client knows
//     void cut() and void mend()              of all clients
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/records.h"
#include "coordination/coordination.h"

namespace storm::coordination {

using E = CoordinationError;

template <typename Rig>
class CoordinationContract : public ::testing::Test {
protected:
    std::unique_ptr<Coordination> connected() {
        auto client = rig.connect();
        EXPECT_TRUE(rig.until([&] { return client->session() == SessionState::kConnected; }));
        return client;
    }
    E multi(Coordination& client, std::vector<Step> steps) {
        std::optional<E> result;
        client.multi(std::move(steps), [&](E error) { result = error; });
        EXPECT_TRUE(rig.until([&] { return result.has_value(); }));
        return result.value_or(E::kOther);
    }
    E create(Coordination& client, const std::string& path, const std::string& data = "",
             bool ephemeral = false) {
        return multi(client, {Create{path, data, ephemeral}});
    }
    std::pair<E, Node> get(Coordination& client, const std::string& path,
                           Coordination::Changed watch = {}) {
        std::optional<std::pair<E, Node>> result;
        client.get(path, std::move(watch),
                   [&](E error, Node node) { result.emplace(error, std::move(node)); });
        EXPECT_TRUE(rig.until([&] { return result.has_value(); }));
        return result.value_or(std::pair(E::kOther, Node{}));
    }
    std::pair<E, std::vector<std::string>> children(Coordination& client, const std::string& path,
                                                    Coordination::Changed watch = {}) {
        std::optional<std::pair<E, std::vector<std::string>>> result;
        client.children(path, std::move(watch), [&](E error, std::vector<std::string> names) {
            std::sort(names.begin(), names.end());
            result.emplace(error, std::move(names));
        });
        EXPECT_TRUE(rig.until([&] { return result.has_value(); }));
        return result.value_or(std::pair(E::kOther, std::vector<std::string>()));
    }

    Rig rig;
};

TYPED_TEST_SUITE_P(CoordinationContract);

using Names = std::vector<std::string>;

TYPED_TEST_P(CoordinationContract, ANodeHasDataAndAVersionThatGrowsWithEachSet) {
    auto client = this->connected();
    const std::string bytes("a\0b\xff", 4);

    ASSERT_EQ(this->create(*client, "/n", bytes), E::kNone);
    EXPECT_EQ(this->get(*client, "/n").second.data, bytes);
    EXPECT_EQ(this->get(*client, "/n").second.version, 0);
    EXPECT_EQ(this->multi(*client, {SetData{"/n", "", 0}}), E::kNone);
    EXPECT_EQ(this->get(*client, "/n").second.data, "");
    EXPECT_EQ(this->get(*client, "/n").second.version, 1);
    EXPECT_EQ(this->multi(*client, {SetData{"/n", "x", 0}}), E::kBadVersion);
    EXPECT_EQ(this->multi(*client, {SetData{"/n", "x"}}), E::kNone);
    EXPECT_EQ(this->multi(*client, {Remove{"/n", 1}}), E::kBadVersion);
    EXPECT_EQ(this->multi(*client, {Remove{"/n", 2}}), E::kNone);
    EXPECT_EQ(this->get(*client, "/n").first, E::kNoNode);
}

TYPED_TEST_P(CoordinationContract, RefusesWhatDoesNotFitTheTree) {
    auto client = this->connected();
    ASSERT_EQ(this->create(*client, "/a"), E::kNone);
    ASSERT_EQ(this->create(*client, "/a/e", "", true), E::kNone);

    EXPECT_EQ(this->create(*client, "/a"), E::kNodeExists);
    EXPECT_EQ(this->create(*client, "/none/b"), E::kNoNode);
    EXPECT_EQ(this->create(*client, "/a/e/b"), E::kNoChildrenForEphemerals);
    EXPECT_EQ(this->multi(*client, {Remove{"/a"}}), E::kNotEmpty);
    EXPECT_EQ(this->multi(*client, {Remove{"/none"}}), E::kNoNode);
    EXPECT_EQ(this->multi(*client, {SetData{"/none", ""}}), E::kNoNode);
    EXPECT_EQ(this->multi(*client, {Check{"/none", 0}}), E::kNoNode);
    EXPECT_EQ(this->children(*client, "/none").first, E::kNoNode);
}

TYPED_TEST_P(CoordinationContract, AMultiHappensAsAWholeOrNotAtAll) {
    auto client = this->connected();
    ASSERT_EQ(this->create(*client, "/f"), E::kNone);

    EXPECT_EQ(this->multi(*client, {Check{"/f", 0}, Create{"/f/a", "1"}, Create{"/f/a/b", "2"},
                                    SetData{"/f", "x", 0}}),
              E::kNone);
    EXPECT_EQ(this->multi(*client, {Create{"/f/c"}, SetData{"/f", "y", 0}, Create{"/f/d"}}),
              E::kBadVersion);
    EXPECT_EQ(this->multi(*client, {Create{"/f/c"}, Create{"/f/a"}}), E::kNodeExists);
    EXPECT_EQ(this->multi(*client, {Check{"/f", 7}, Create{"/f/c"}}), E::kBadVersion);

    EXPECT_EQ(this->children(*client, "/f").second, Names{"a"});
    EXPECT_EQ(this->get(*client, "/f").second.data, "x");
    // Remove and create again, as of a lock: the new one starts at version 0.
    EXPECT_EQ(this->multi(*client, {Remove{"/f/a/b"}, Create{"/f/a/b", "3"}}), E::kNone);
    EXPECT_EQ(this->get(*client, "/f/a/b").second.version, 0);
}

TYPED_TEST_P(CoordinationContract, ATooLargeRecordIsRefusedBeforeItIsSent) {
    auto client = this->connected();
    const std::string large(cluster::kRecordBytesMax, 'x');

    EXPECT_EQ(this->create(*client, "/fits", large), E::kNone);
    EXPECT_EQ(this->get(*client, "/fits").second.data.size(), large.size());
    EXPECT_EQ(this->create(*client, "/large", large + "x"), E::kTooLarge);
    EXPECT_EQ(this->multi(*client, {Create{"/a", large}, Create{"/b", "x"}}), E::kTooLarge);
    EXPECT_EQ(client->session(), SessionState::kConnected);
}

TYPED_TEST_P(CoordinationContract, OperationsOfAClientAreDoneInOrder) {
    auto client = this->connected();
    std::vector<int> order;
    std::string seen;

    client->create("/o", "1", false, [&](E) { order.push_back(1); });
    client->set("/o", "2", 0, [&](E) { order.push_back(2); });
    client->get("/o", {}, [&](E, const Node& node) {
        order.push_back(3);
        seen = node.data;
    });
    client->remove("/o", 1, [&](E) { order.push_back(4); });

    ASSERT_TRUE(this->rig.until([&] { return order.size() == 4; }));
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4}));
    EXPECT_EQ(seen, "2");
    EXPECT_EQ(this->get(*client, "/o").first, E::kNoNode);
}

TYPED_TEST_P(CoordinationContract, NoCallbackComesFromInsideACall) {
    auto client = this->connected();
    int calls = 0;

    client->get(
        "/", [&] { ++calls; }, [&](CoordinationError, const Node&) { ++calls; });
    client->multi({Create{"/large", std::string(cluster::kRecordBytesMax + 1, 'x')}},
                  [&](CoordinationError) { ++calls; });

    EXPECT_EQ(calls, 0);
    EXPECT_TRUE(this->rig.until([&] { return calls == 2; }));
}

TYPED_TEST_P(CoordinationContract, AWatchFiresOnceAfterTheChangeOfANode) {
    auto client = this->connected();
    auto other = this->connected();
    ASSERT_EQ(this->create(*client, "/w", "1"), E::kNone);
    int fired = 0;
    ASSERT_EQ(this->get(*client, "/w", [&] { ++fired; }).first, E::kNone);

    EXPECT_EQ(this->multi(*other, {SetData{"/w", "2"}}), E::kNone);
    EXPECT_TRUE(this->rig.until([&] { return fired == 1; }));
    EXPECT_EQ(this->get(*client, "/w").second.data, "2");

    EXPECT_EQ(this->multi(*other, {SetData{"/w", "3"}}), E::kNone);
    this->rig.settle();
    EXPECT_EQ(fired, 1);
}

TYPED_TEST_P(CoordinationContract, AWatchOfAMissingNodeFiresWhenItIsMade) {
    auto client = this->connected();
    auto other = this->connected();
    int fired = 0;
    ASSERT_EQ(this->get(*client, "/later", [&] { ++fired; }).first, E::kNoNode);
    this->rig.settle();
    EXPECT_EQ(fired, 0);

    EXPECT_EQ(this->create(*other, "/later"), E::kNone);

    EXPECT_TRUE(this->rig.until([&] { return fired == 1; }));
}

TYPED_TEST_P(CoordinationContract, AWatchOfANodeFiresWhenItIsRemoved) {
    auto client = this->connected();
    ASSERT_EQ(this->create(*client, "/gone"), E::kNone);
    int fired = 0;
    ASSERT_EQ(this->get(*client, "/gone", [&] { ++fired; }).first, E::kNone);

    EXPECT_EQ(this->multi(*client, {Remove{"/gone"}}), E::kNone);

    EXPECT_TRUE(this->rig.until([&] { return fired == 1; }));
}

TYPED_TEST_P(CoordinationContract, AWatchOfChildrenFiresWhenOneComesOrGoesButNotWhenItIsSet) {
    auto client = this->connected();
    auto other = this->connected();
    ASSERT_EQ(this->create(*client, "/c"), E::kNone);
    ASSERT_EQ(this->create(*client, "/c/a"), E::kNone);
    int fired = 0;
    const auto watch = [&] { ++fired; };
    ASSERT_EQ(this->children(*client, "/c", watch).second, Names{"a"});

    EXPECT_EQ(this->multi(*other, {SetData{"/c/a", "x"}}), E::kNone);
    this->rig.settle();
    EXPECT_EQ(fired, 0);
    EXPECT_EQ(this->create(*other, "/c/b"), E::kNone);
    EXPECT_TRUE(this->rig.until([&] { return fired == 1; }));
    EXPECT_EQ(this->children(*client, "/c", watch).second, (Names{"a", "b"}));
    EXPECT_EQ(this->multi(*other, {Remove{"/c/a"}}), E::kNone);
    EXPECT_TRUE(this->rig.until([&] { return fired == 2; }));
    EXPECT_EQ(this->children(*client, "/c").second, Names{"b"});
}

TYPED_TEST_P(CoordinationContract, TwoWatchesOfOneNodeBothFire) {
    auto client = this->connected();
    ASSERT_EQ(this->create(*client, "/two"), E::kNone);
    int first = 0;
    int second = 0;
    (void)this->get(*client, "/two", [&] { ++first; });
    (void)this->get(*client, "/two", [&] { ++second; });

    EXPECT_EQ(this->multi(*client, {SetData{"/two", "x"}}), E::kNone);

    EXPECT_TRUE(this->rig.until([&] { return first == 1 && second == 1; }));
}

TYPED_TEST_P(CoordinationContract, AnEphemeralNodeGoesWhenItsClientDoes) {
    auto client = this->connected();
    auto other = this->connected();
    ASSERT_EQ(this->create(*client, "/e", "x", true), E::kNone);
    int fired = 0;
    ASSERT_EQ(this->get(*other, "/e", [&] { ++fired; }).second.data, "x");

    client.reset();

    EXPECT_TRUE(this->rig.until([&] { return fired == 1; }));
    EXPECT_EQ(this->get(*other, "/e").first, E::kNoNode);
}

TYPED_TEST_P(CoordinationContract, AnExpiredSessionTakesItsEphemeralNodesAndTellsEverybody) {
    auto client = this->connected();
    ASSERT_EQ(this->create(*client, "/keeps"), E::kNone);
    ASSERT_EQ(this->create(*client, "/mine", "", true), E::kNone);
    int fired = 0;
    std::vector<SessionState> states;
    ASSERT_EQ(this->get(*client, "/keeps", [&] { ++fired; }).first, E::kNone);
    client->on_session([&](SessionState state) { states.push_back(state); });

    this->rig.expire(*client);

    EXPECT_TRUE(this->rig.until([&] { return client->session() == SessionState::kExpired; }));
    EXPECT_TRUE(this->rig.until([&] { return fired == 1; }));
    EXPECT_EQ(states.back(), SessionState::kExpired);
    EXPECT_EQ(this->create(*client, "/x"), E::kSessionExpired);
    EXPECT_EQ(this->get(*client, "/keeps").first, E::kSessionExpired);
    auto other = this->connected();
    EXPECT_TRUE(this->rig.until([&] { return this->get(*other, "/mine").first == E::kNoNode; }));
    EXPECT_EQ(this->get(*other, "/keeps").first, E::kNone);
}

TYPED_TEST_P(CoordinationContract, AfterAShortCutSessionNodesAndWatchesAreStillThere) {
    auto client = this->connected();
    auto other = this->connected();
    ASSERT_EQ(this->create(*client, "/k", "1"), E::kNone);
    ASSERT_EQ(this->create(*client, "/k/e", "", true), E::kNone);
    int fired = 0;
    int fired_of_missing = 0;
    ASSERT_EQ(this->get(*client, "/k", [&] { ++fired; }).first, E::kNone);
    ASSERT_EQ(this->get(*client, "/k/m", [&] { ++fired_of_missing; }).first, E::kNoNode);

    this->rig.cut();
    EXPECT_TRUE(this->rig.until([&] {
        return client->session() == SessionState::kSuspended &&
               other->session() == SessionState::kSuspended;
    }));
    this->rig.mend();
    EXPECT_TRUE(this->rig.until([&] {
        return client->session() == SessionState::kConnected &&
               other->session() == SessionState::kConnected;
    }));

    EXPECT_EQ(this->get(*client, "/k/e").first, E::kNone);
    EXPECT_EQ(fired + fired_of_missing, 0);
    EXPECT_EQ(this->multi(*other, {SetData{"/k", "2"}, Create{"/k/m"}}), E::kNone);
    EXPECT_TRUE(this->rig.until([&] { return fired == 1 && fired_of_missing == 1; }));
}

TYPED_TEST_P(CoordinationContract, WhatIsAskedWhileTheConnectionIsGoneIsAnsweredInTheEnd) {
    auto client = this->connected();
    this->rig.cut();
    EXPECT_TRUE(this->rig.until([&] { return client->session() == SessionState::kSuspended; }));

    std::optional<E> result;
    client->get("/", {}, [&](E error, const Node&) { result = error; });
    this->rig.settle();
    this->rig.mend();

    EXPECT_TRUE(this->rig.until([&] { return result.has_value(); }));
    EXPECT_TRUE(result == E::kNone || result == E::kConnectionLoss);
}

TYPED_TEST_P(CoordinationContract, AClientThatGoesCallsNobodyBack) {
    auto client = this->connected();
    int calls = 0;
    client->get(
        "/", [&] { ++calls; }, [&](CoordinationError, const Node&) { ++calls; });
    client->create("/late", "", false, [&](CoordinationError) { ++calls; });
    client->on_session([&](SessionState) { ++calls; });

    client.reset();

    this->rig.settle();
    EXPECT_EQ(calls, 0);
}

TYPED_TEST_P(CoordinationContract, TheTimeoutIsWhatWasAgreed) {
    EXPECT_EQ(this->connected()->session_timeout(), TypeParam::kSessionTimeout);
}

REGISTER_TYPED_TEST_SUITE_P(CoordinationContract, ANodeHasDataAndAVersionThatGrowsWithEachSet,
                            RefusesWhatDoesNotFitTheTree, AMultiHappensAsAWholeOrNotAtAll,
                            ATooLargeRecordIsRefusedBeforeItIsSent,
                            OperationsOfAClientAreDoneInOrder, NoCallbackComesFromInsideACall,
                            AWatchFiresOnceAfterTheChangeOfANode,
                            AWatchOfAMissingNodeFiresWhenItIsMade,
                            AWatchOfANodeFiresWhenItIsRemoved,
                            AWatchOfChildrenFiresWhenOneComesOrGoesButNotWhenItIsSet,
                            TwoWatchesOfOneNodeBothFire, AnEphemeralNodeGoesWhenItsClientDoes,
                            AnExpiredSessionTakesItsEphemeralNodesAndTellsEverybody,
                            AfterAShortCutSessionNodesAndWatchesAreStillThere,
                            WhatIsAskedWhileTheConnectionIsGoneIsAnsweredInTheEnd,
                            AClientThatGoesCallsNobodyBack, TheTimeoutIsWhatWasAgreed);

}  // namespace storm::coordination

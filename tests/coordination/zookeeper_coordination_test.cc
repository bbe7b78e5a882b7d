// Goal:   the real ZooKeeper, through our client, does what the contract says.
// Method: the contract's tests against Debian's server, which is killed, or cut off, for its
// faults.

#include "coordination/zookeeper_coordination.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "daemon/asio_loop.h"
#include "tests/coordination/coordination_contract.h"
#include "tests/support/tcp_relay.h"
#include "tests/support/zookeeper.h"

namespace storm::coordination {
namespace {

/// One server for all tests; each has a root of its own.
storm::testing::Zookeeper& zookeeper() {
    static storm::testing::Zookeeper server;
    return server;
}

/// Below a folder of its own, so that tests do not see each other.
class Below final : public Coordination {
public:
    Below(std::unique_ptr<Coordination> client, std::string root)
        : client_(std::move(client)), root_(std::move(root)) {}

    void abandon() override { client_->abandon(); }
    SessionState session() const override { return client_->session(); }
    base::Micros session_timeout() const override { return client_->session_timeout(); }
    void on_session(OnSession changed) override { client_->on_session(std::move(changed)); }
    void get(std::string path, Changed watch, GotNode done) override {
        client_->get(below_(path), std::move(watch), std::move(done));
    }
    void children(std::string path, Changed watch, GotChildren done) override {
        client_->children(below_(path), std::move(watch), std::move(done));
    }
    void multi(std::vector<Step> steps, Done done) override {
        for (Step& step : steps) {
            std::visit([this](auto& each) { each.path = below_(each.path); }, step);
        }
        client_->multi(std::move(steps), std::move(done));
    }

private:
    std::string below_(const std::string& path) const { return path == "/" ? root_ : root_ + path; }

    std::unique_ptr<Coordination> client_;
    std::string root_;
};

class ZookeeperRig {
public:
    static constexpr base::Micros kSessionTimeout = 2 * base::kMicrosPerSecond;

    ZookeeperRig() {
        static int rigs = 0;
        root_ = "/rig-" + std::to_string(++rigs);
        const auto client = connect_raw();
        until([&] { return client->session() == SessionState::kConnected; });
        std::optional<CoordinationError> made;
        client->create(root_, "", false, [&](CoordinationError error) { made = error; });
        EXPECT_TRUE(until([&] { return made == CoordinationError::kNone; }));
    }

    std::unique_ptr<Coordination> connect() {
        return std::make_unique<Below>(connect_raw(), root_);
    }
    bool until(const std::function<bool()>& holds) {
        const base::Micros end = loop_.now() + 20 * base::kMicrosPerSecond;
        while (!holds() && loop_.now() < end) {
            io_.run_one_for(std::chrono::milliseconds(20));
        }
        return holds();
    }
    void settle() { io_.run_for(std::chrono::milliseconds(100)); }
    // The server runs on, and hears nothing.
    void expire(Coordination& client) {
        relay_.cut();
        const base::Micros end = loop_.now() + 3 * kSessionTimeout;
        until([&] { return loop_.now() > end; });
        relay_.mend();
        until([&] { return client.session() == SessionState::kExpired; });
    }
    void cut() { zookeeper().kill(); }
    void mend() { zookeeper().start(); }

private:
    std::unique_ptr<Coordination> connect_raw() {
        return connect_zookeeper(
            loop_, {"127.0.0.1:" + std::to_string(relay_.port()), kSessionTimeout, "/storm"});
    }

    storm::testing::TcpRelay relay_{zookeeper().port()};
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays_ =
        boost::asio::make_work_guard(io_);
    daemon::AsioLoop loop_{io_};
    std::string root_;
};

/// Clients of one server, with and without a password.
class ZookeeperAuth : public ::testing::Test {
protected:
    std::unique_ptr<Coordination> connect(const std::string& auth) {
        auto client = connect_zookeeper(
            loop_, {zookeeper().address(), ZookeeperRig::kSessionTimeout, "/storm", auth});
        EXPECT_TRUE(until([&] { return client->session() == SessionState::kConnected; }));
        return client;
    }
    bool until(const std::function<bool()>& holds) {
        const base::Micros end = loop_.now() + 20 * base::kMicrosPerSecond;
        while (!holds() && loop_.now() < end) io_.run_one_for(std::chrono::milliseconds(20));
        return holds();
    }
    CoordinationError write(Coordination& client, Step step) {
        std::optional<CoordinationError> error;
        client.multi({std::move(step)}, [&](CoordinationError got) { error = got; });
        EXPECT_TRUE(until([&] { return error.has_value(); }));
        return error.value_or(CoordinationError::kOther);
    }
    CoordinationError read(Coordination& client, const std::string& path) {
        std::optional<CoordinationError> error;
        client.get(path, {}, [&](CoordinationError got, const Node&) { error = got; });
        EXPECT_TRUE(until([&] { return error.has_value(); }));
        return error.value_or(CoordinationError::kOther);
    }

    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays_ =
        boost::asio::make_work_guard(io_);
    daemon::AsioLoop loop_{io_};
    const std::unique_ptr<Coordination> open_ = connect("");
    const std::unique_ptr<Coordination> ours_ = connect("storm:hunter2");
    const std::unique_ptr<Coordination> others_ = connect("storm:wrong");
};

TEST_F(ZookeeperAuth, WhatItMakesIsForThoseWithThePassword) {
    ASSERT_EQ(write(*ours_, Create{"/auth-own", "secret"}), CoordinationError::kNone);

    EXPECT_EQ(read(*open_, "/auth-own"), CoordinationError::kOther);
    EXPECT_EQ(read(*others_, "/auth-own"), CoordinationError::kOther);
    EXPECT_EQ(write(*others_, SetData{"/auth-own", "x"}), CoordinationError::kOther);
    EXPECT_EQ(read(*connect("storm:hunter2"), "/auth-own"), CoordinationError::kNone);
}

TEST_F(ZookeeperAuth, WhatWasOpenIsReadAndClosedWithTheNextWrite) {
    ASSERT_EQ(write(*open_, Create{"/auth-open", "x"}), CoordinationError::kNone);
    ASSERT_EQ(write(*open_, Create{"/auth-folder"}), CoordinationError::kNone);
    EXPECT_EQ(read(*ours_, "/auth-open"), CoordinationError::kNone);
    EXPECT_EQ(read(*open_, "/auth-open"), CoordinationError::kNone);

    EXPECT_EQ(write(*ours_, SetData{"/auth-open", "y"}), CoordinationError::kNone);
    EXPECT_EQ(write(*ours_, Create{"/auth-folder"}), CoordinationError::kNodeExists);

    EXPECT_TRUE(until([&] { return read(*open_, "/auth-open") == CoordinationError::kOther; }));
    EXPECT_TRUE(until([&] { return read(*open_, "/auth-folder") == CoordinationError::kOther; }));
    EXPECT_EQ(read(*ours_, "/auth-open"), CoordinationError::kNone);
}

}  // namespace

TEST(ZookeeperCoordination, AnAbandonedSessionIsOverAtOnce) {
    ZookeeperRig rig;
    const auto given_up = rig.connect();
    const auto other = rig.connect();
    std::optional<CoordinationError> made;
    given_up->create("/own", "", true, [&](CoordinationError error) { made = error; });
    ASSERT_TRUE(rig.until([&] { return made == CoordinationError::kNone; }));
    bool gone = false;
    bool watching = false;
    other->get(
        "/own", [&] { gone = true; }, [&](CoordinationError, const Node&) { watching = true; });
    ASSERT_TRUE(rig.until([&] { return watching; }));
    const base::SteadyClock clock;
    const base::Micros begin = clock.now();

    given_up->abandon();

    EXPECT_TRUE(rig.until([&] { return gone; }));
    EXPECT_LT(clock.now() - begin, ZookeeperRig::kSessionTimeout / 2);
}

INSTANTIATE_TYPED_TEST_SUITE_P(Zookeeper, CoordinationContract, ZookeeperRig);

}  // namespace storm::coordination

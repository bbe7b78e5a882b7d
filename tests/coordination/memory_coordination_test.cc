// Goal:   the twin does what the contract says, and its faults are what they say.
// Method: the contract's tests without delay and with delays; then each fault by hand.

#include "coordination/memory_coordination.h"

#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/coordination/coordination_contract.h"
#include "tests/support/manual_loop.h"

namespace storm::coordination {
namespace {

using storm::testing::ManualLoop;
using storm::testing::ManualTime;

constexpr base::Micros kMilli = base::kMicrosPerMilli;
constexpr base::Micros kSecond = base::kMicrosPerSecond;

template <bool Delays>
class MemoryRig {
public:
    static constexpr base::Micros kSessionTimeout = 5 * kSecond;

    MemoryRig()
        : server_(service_, {kSessionTimeout, [this] {
                                 return Delays ? static_cast<base::Micros>(random_.below(20'000))
                                               : 0;
                             }}) {}

    std::unique_ptr<Coordination> connect() { return server_.connect(loop_); }
    bool until(const std::function<bool()>& holds) {
        for (int i = 0; i < 1000 && !holds(); ++i) time_.run_for(10 * kMilli);
        return holds();
    }
    void settle() { time_.run_for(kSecond); }
    void expire(Coordination&) { server_.expire(loop_); }
    void cut() { server_.cut(loop_); }
    void mend() { server_.mend(loop_); }

private:
    base::Random random_{7};
    ManualTime time_;
    ManualLoop service_{time_};
    ManualLoop loop_{time_};
    MemoryServer server_;
};

}  // namespace

using Rigs = ::testing::Types<MemoryRig<false>, MemoryRig<true>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, CoordinationContract, Rigs);

namespace {

struct MemoryServerTest : ::testing::Test {
    ManualTime time;
    ManualLoop service{time};
    ManualLoop process{time};
    MemoryServer server{service};
    std::unique_ptr<Coordination> client = server.connect(process);

    void SetUp() override { time.run_for(kMilli); }
};

TEST_F(MemoryServerTest, AHeldProcessLosesItsSessionAfterTheTimeout) {
    client->create("/e", "", true, [](CoordinationError) {});
    time.run_for(kMilli);

    process.hold();
    time.run_for(4 * kSecond - kMilli);
    EXPECT_TRUE(server.exists("/e"));
    time.run_for(2 * kSecond);

    EXPECT_FALSE(server.exists("/e"));
    EXPECT_EQ(client->session(), SessionState::kConnected);  // As far as it knows.
    process.release();
    time.run_for(kMilli);
    EXPECT_EQ(client->session(), SessionState::kExpired);
}

TEST_F(MemoryServerTest, ACutClientLearnsOfItsExpiryOnlyWhenItIsBack) {
    server.cut(process);
    time.run_for(60 * kSecond);
    EXPECT_EQ(client->session(), SessionState::kSuspended);
    EXPECT_EQ(server.sessions(), 0);

    server.mend(process);
    time.run_for(kMilli);

    EXPECT_EQ(client->session(), SessionState::kExpired);
}

TEST_F(MemoryServerTest, ASilencedClientNoticesByItselfAfterTwoThirdsOfTheTimeout) {
    server.silence(process);
    time.run_for(3 * kSecond);
    EXPECT_EQ(client->session(), SessionState::kConnected);
    time.run_for(2 * kSecond);
    EXPECT_EQ(client->session(), SessionState::kSuspended);
    EXPECT_EQ(server.sessions(), 0);
}

TEST_F(MemoryServerTest, AnIdleSessionLivesOn) {
    time.run_for(3600 * kSecond);

    EXPECT_EQ(client->session(), SessionState::kConnected);
    EXPECT_EQ(server.sessions(), 1);
}

TEST_F(MemoryServerTest, TheAnswerOfAMultiThatHappenedMayBeLost) {
    std::optional<CoordinationError> result;
    server.cut_after_next_multi(process);

    client->create("/n", "", false, [&](CoordinationError error) { result = error; });
    time.run_for(kMilli);

    EXPECT_TRUE(server.exists("/n"));
    EXPECT_EQ(result, CoordinationError::kConnectionLoss);
    EXPECT_EQ(client->session(), SessionState::kSuspended);
}

TEST_F(MemoryServerTest, AWatchThatFiredDuringACutIsToldAfterIt) {
    int fired = 0;
    client->get(
        "/n", [&] { ++fired; }, [](CoordinationError, const Node&) {});
    time.run_for(kMilli);
    server.cut(process);
    time.run_for(kMilli);
    EXPECT_EQ(server.change({Create{"/n", ""}}), CoordinationError::kNone);
    time.run_for(kSecond);
    EXPECT_EQ(fired, 0);

    server.mend(process);
    time.run_for(kMilli);

    EXPECT_EQ(fired, 1);
}

}  // namespace
}  // namespace storm::coordination

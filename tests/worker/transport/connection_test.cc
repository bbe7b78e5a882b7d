// A real worker that listens, and a client of raw bytes that says what no honest worker says:
// before the handshake, in it, and with the topology's secret in its hand, after it.
#include "worker/transport/connection.h"

#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/secret.h"
#include "tests/support/bytes.h"
#include "tests/worker/transport/one_worker.h"
#include "tests/worker/transport/raw_client.h"
#include "wire/frame.h"
#include "worker/transport/authentication.h"
#include "worker/transport/limits.h"
#include "worker/transport/transport.h"

namespace storm::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class ConnectionTest : public ::testing::Test {
protected:
    explicit ConnectionTest(const worker::LinkTimes& times = {}) {
        auto listening = worker::Transport::listen(
            one.engine.shared(),
            {.topology = kTopology, .secret = kSecret, .worker = 1, .incarnation = 1}, "127.0.0.1",
            0, clock, [this] { superseded = true; }, times);
        EXPECT_TRUE(listening);
        transport = std::move(listening).value();
        transport->start();
    }
    ~ConnectionTest() override {
        transport->close();
        one.engine.stop(base::EventCount::kForever);
    }

    static wire::Hello hello(std::uint64_t incarnation = 1, std::uint64_t epoch = 0) {
        return {.worker = 0,
                .incarnation = incarnation,
                .topology = kTopology,
                .nonce = base::random_bytes(wire::kNonceBytes),
                .epoch = epoch};
    }
    std::unique_ptr<Client> call() const { return std::make_unique<Client>(transport->port()); }
    static wire::Proof proof(const wire::Hello& ours, const wire::Hello& theirs,
                             std::uint64_t received = 0, bool fenced = false) {
        return {.mac = worker::proof_of({worker::Statement::Kind::kProof, received, fenced},
                                        kSecret, ours, theirs),
                .received = received,
                .fenced = fenced};
    }
    /// An authenticated connection.
    std::unique_ptr<Client> shake_hands(std::uint64_t incarnation = 1, std::uint64_t received = 0,
                                        std::uint64_t epoch = 0) const {
        auto client = call();
        const wire::Hello ours = hello(incarnation, epoch);
        client->send(ours);
        const auto answer = client->receive();
        EXPECT_TRUE(answer && std::holds_alternative<wire::Challenge>(*answer));
        const auto& challenge = std::get<wire::Challenge>(*answer);
        EXPECT_EQ(challenge.mac, worker::proof_of({}, kSecret, ours, challenge.hello));
        client->send(proof(ours, challenge.hello, received));
        const auto ready = client->receive();
        EXPECT_TRUE(ready && std::holds_alternative<wire::Ready>(*ready));
        if (ready) last_ready = std::get<wire::Ready>(*ready);
        return client;
    }
    std::string why_refused(const std::string& bytes) const {
        const auto client = call();
        client->send(bytes);
        const auto answer = client->receive();
        const auto* const refused = answer ? std::get_if<wire::Refused>(&*answer) : nullptr;
        EXPECT_TRUE(client->is_closed_within(milliseconds(1'000)));
        return refused == nullptr ? "" : refused->why;
    }
    static std::string control(std::uint64_t sequence, std::vector<wire::ControlRecord> records) {
        const auto bytes = std::as_bytes(std::span(records));
        return with_bytes(wire::write_control_head(sequence, bytes), bytes);
    }
    static std::string batch(std::uint64_t sequence, const std::vector<std::byte>& runs,
                             std::uint64_t incarnation = 1) {
        const wire::BatchHeader header = wire::make_batch_header(
            {.schema_version = 0, .source_incarnation = incarnation, .sequence = sequence}, runs);
        const std::string head = with_bytes(wire::write_batch_head(sizeof(header) + runs.size()),
                                            std::as_bytes(std::span(&header, 1)));
        return with_bytes(head, runs);
    }
    /// Ends the connection, and the frame counts as not taken.
    void expect_refused(const std::string& bytes, const char* what) {
        const auto client = shake_hands();
        const std::uint64_t taken = last_ready.received;
        client->send(bytes);
        EXPECT_TRUE(client->is_closed_within(milliseconds(2'000))) << what;
        shake_hands();
        EXPECT_EQ(last_ready.received, taken) << what;
        EXPECT_TRUE(one.engine.shared().entrance(0).batches.empty() || marks_only()) << what;
    }
    /// The marks of a new life are all that may be in the loop.
    bool marks_only() {
        bool only = true;
        one.engine.shared().entrance(0).batches.take_all([&](worker::Batch* pushed) {
            only = only && pushed->used == sizeof(wire::RunHeader) + 8;
            one.engine.shared().pool.bytes_in_flight.fetch_sub(pushed->used);
            one.engine.shared().pool.give(pushed);
        });
        return only;
    }

    OneWorker one;
    JumpingClock clock;
    std::atomic<bool> superseded{false};
    std::unique_ptr<worker::Transport> transport;
    mutable wire::Ready last_ready;
};

TEST_F(ConnectionTest, Cve2021_40865_2026_82435_GarbageBeforeTheHandshakeEndsTheConnection) {
    std::string large(8, '\0');
    const std::uint32_t words = (wire::kHandshakeBytesMax / 8) + 1;
    std::memcpy(large.data() + 4, &words, sizeof(words));
    for (const std::string& bytes :
         {std::string("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), std::string(64, '\xff'), large,
          std::string(5'000, '\0'), wire::write_frame(hello()) + std::string(64, 'x')}) {
        const auto client = call();
        client->send(bytes);
        EXPECT_TRUE(client->is_closed_within(milliseconds(1'000)));
    }
    shake_hands();  // It still listens.
}

TEST_F(ConnectionTest, HellosThatAreNotForThisWorkerAreRefusedWithTheReason) {
    wire::Hello other = hello();
    other.topology = "test-2-1";
    EXPECT_THAT(why_refused(wire::write_frame(other)), HasSubstr("another topology"));
    for (const std::uint32_t worker : {1U, 2U, ~0U}) {
        other = hello();
        other.worker = worker;
        EXPECT_THAT(why_refused(wire::write_frame(other)),
                    HasSubstr("only workers with lower numbers dial"));
    }
    for (const auto& [min, max] : {std::pair<std::uint16_t, std::uint16_t>{3, 9}, {0, 1}}) {
        other = hello();
        other.protocol_min = min;
        other.protocol_max = max;
        EXPECT_THAT(why_refused(wire::write_frame(other)), HasSubstr("no protocol version"));
    }
    other = hello();
    other.nonce = "short";
    EXPECT_NE(why_refused(wire::write_frame(other)), "");
    for (const wire::Frame& frame :
         {wire::Frame(wire::Heartbeat{}), wire::Frame(wire::Receipt{1}), wire::Frame(wire::Ready{}),
          wire::Frame(wire::Proof{std::string(32, 'm'), 0, true}), wire::Frame(wire::Refused{"x"})})
        EXPECT_THAT(why_refused(wire::write_frame(frame)), HasSubstr("not a proof"));
    EXPECT_FALSE(superseded);
}

TEST_F(ConnectionTest, AWorkerOfALaterVersionThatKnowsThisOneIsLetIn) {
    auto client = call();
    wire::Hello later = hello();
    later.protocol_max = 9;
    later.features = ~std::uint64_t{0};
    client->send(later);
    const auto answer = client->receive();
    ASSERT_TRUE(answer && std::holds_alternative<wire::Challenge>(*answer));
    client->send(proof(later, std::get<wire::Challenge>(*answer).hello));
    const auto ready = client->receive();
    EXPECT_TRUE(ready && std::holds_alternative<wire::Ready>(*ready));
}

TEST_F(ConnectionTest, WhoDoesNotKnowTheSecretGetsNoFurther) {
    std::optional<wire::Proof> heard;  // An example of a good proof.
    wire::Hello said;
    {
        const auto client = call();
        said = hello();
        client->send(said);
        const auto answer = client->receive();
        ASSERT_TRUE(answer);
        heard = proof(said, std::get<wire::Challenge>(*answer).hello);
    }
    for (int i = 0; i < 6; ++i) {
        const auto client = call();
        client->send(said);
        const auto answer = client->receive();
        ASSERT_TRUE(answer && std::holds_alternative<wire::Challenge>(*answer));
        const auto& challenge = std::get<wire::Challenge>(*answer);
        wire::Proof bad = proof(said, challenge.hello);
        if (i == 0) bad = *heard;             // Played back.
        if (i == 1) bad.mac = challenge.mac;  // The other's own.
        if (i == 2) bad.mac.clear();
        if (i == 3) bad.mac.back() = static_cast<char>(bad.mac.back() ^ 1);
        if (i == 4) bad.received = 1;  // Changed on the way.
        if (i == 5) bad.fenced = true;
        client->send(bad);
        const auto refused = client->receive();
        ASSERT_TRUE(refused && std::holds_alternative<wire::Refused>(*refused)) << i;
        EXPECT_THAT(std::get<wire::Refused>(*refused).why, HasSubstr("secret"));
        client->send(wire::Frame(wire::Heartbeat{}));  // After the refusal: nobody listens.
        EXPECT_TRUE(client->is_closed_within(milliseconds(1'000)));
    }
    EXPECT_FALSE(superseded);
}

TEST_F(ConnectionTest, WhoSaysNothingIsClosedAtTheDeadlineAndKeepsNobodyOut) {
    std::vector<std::unique_ptr<Client>> silent;
    for (std::size_t i = 0; i < 2 * worker::kStrangersMax; ++i) silent.push_back(call());

    shake_hands();
    EXPECT_TRUE(silent.front()->is_closed_within(milliseconds(500)));  // There were too many.
    EXPECT_FALSE(silent.back()->is_closed_within(milliseconds(200)));
    EXPECT_TRUE(silent.back()->is_closed_within(
        milliseconds((worker::kHandshakeMicros + 2 * worker::kHeartbeatMicros) / 1'000)));
}

TEST_F(ConnectionTest, AfterTheHandshakeWrongFramesEndTheConnectionAndCountAsNotTaken) {
    const std::uint64_t own_root = OneWorker::root_of(one.task("numbers", 1));
    const std::uint64_t other_root = OneWorker::root_of(one.task("numbers", 0));
    const std::vector<std::byte> good = one.good_run();
    ASSERT_TRUE(marks_only());

    expect_refused(wire::write_frame(hello()), "a second hello");
    expect_refused(wire::write_frame(wire::Ready{}), "a second ready");
    expect_refused(wire::write_frame(wire::Receipt{1'000}), "a receipt for what was not sent");
    expect_refused(batch(2, good), "a gap");
    expect_refused(batch(0, good), "a sequence number that there is not");
    expect_refused(batch(1, good, 2), "a batch of another incarnation");
    std::string damaged = batch(1, good);
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    expect_refused(damaged, "a wrong checksum");
    shake_hands();
    {
        const auto client = shake_hands();  // A good frame resets the count of refusals.
        client->send(control(1, {wire::make_ack(own_root, 1)}));
        EXPECT_TRUE(client->receive());
    }
    expect_refused(control(1, {wire::make_ack(own_root, 1)}), "a frame that was taken");
    expect_refused(control(2, {wire::make_ack(own_root, 1), wire::make_ack(other_root, 1)}),
                   "an ack for another worker's root");
    expect_refused(control(2, {wire::make_ack(own_root, 1), wire::make_credit(~0ULL, 1)}),
                   "credit for a channel that there is not, behind an ack");
    expect_refused(control(2, {wire::make_fenced(2, 1)}), "a fence of nobody");
    expect_refused(control(2, std::vector<wire::ControlRecord>(wire::kControlRecordsMax + 1,
                                                               wire::make_ack(own_root, 1))),
                   "too many records");
    std::size_t records = 0;
    one.engine.shared().entrance(0).control.take_all([&](worker::ControlBatch* taken) {
        records += taken->acks.size();
        taken->clear();
        one.engine.shared().controls.give(taken);
    });
    EXPECT_EQ(records, 1) << "nothing of a bad frame has an effect";
    EXPECT_FALSE(superseded);
}

TEST_F(ConnectionTest, APeerOfWhichNothingIsAcceptedIsFenced) {
    for (int i = 0; i < worker::kRefusalsMax; ++i) {
        const auto client = shake_hands();
        EXPECT_FALSE(last_ready.fenced) << i;
        client->send(batch(2, one.good_run()));
        EXPECT_TRUE(client->is_closed_within(milliseconds(2'000)));
    }

    shake_hands();
    EXPECT_TRUE(last_ready.fenced);
    shake_hands(2);  // Its successor is welcome.
    EXPECT_FALSE(last_ready.fenced);
}

TEST_F(ConnectionTest, OneWithANewerAssignmentIsFencedByNobodyWhoDoesNotHaveThatYet) {
    constexpr std::uint64_t kNewer = 7;
    const auto sends_nonsense = [&] {
        const auto client = shake_hands(1, 0, kNewer);
        client->send(batch(2, one.good_run()));
        EXPECT_TRUE(client->is_closed_within(milliseconds(2'000)));
    };
    for (int i = 0; i < 2 * worker::kRefusalsMax; ++i) {
        sends_nonsense();
        EXPECT_FALSE(last_ready.fenced) << i;
    }

    transport->set_peers({}, kNewer);
    for (int i = 0; i < worker::kRefusalsMax; ++i) sends_nonsense();
    shake_hands(1, 0, kNewer);
    EXPECT_TRUE(last_ready.fenced) << "now it is the peer's fault";
}

TEST_F(ConnectionTest, WhoIsToldThatItIsFencedEnds) {
    const auto client = shake_hands();
    client->send(control(1, {wire::make_fenced(1, 0)}));
    client->send(control(2, {wire::make_fenced(1, 1)}));
    EXPECT_TRUE(eventually([this] { return superseded.load(); }));
}

TEST_F(ConnectionTest, NobodyIsBlamedForTheTimeInWhichThisWorkerStoodStill) {
    constexpr milliseconds kTwoTicks(2 * worker::kHeartbeatMicros / 1'000);
    const auto client = shake_hands();
    EXPECT_FALSE(client->is_closed_within(kTwoTicks));
    clock.jump(10 * worker::kSilenceMicros);
    EXPECT_FALSE(client->is_closed_within(kTwoTicks));
}

TEST_F(ConnectionTest, ALifeIsResumedWhereItWasAndANewOneBeginsAtZero) {
    const std::uint64_t root = OneWorker::root_of(one.task("numbers", 1));
    {
        const auto client = shake_hands();
        for (std::uint64_t i = 1; i <= 3; ++i) client->send(control(i, {wire::make_ack(root, i)}));
        for (;;) {
            const auto frame = client->receive();
            ASSERT_TRUE(frame);
            const auto* const receipt = std::get_if<wire::Receipt>(&*frame);
            if (receipt != nullptr && receipt->sequence == 3) break;
        }
    }
    shake_hands();
    EXPECT_EQ(last_ready.received, 3);
    shake_hands(2);
    EXPECT_EQ(last_ready.received, 0);
    shake_hands(1);  // The old one is back.
    EXPECT_TRUE(last_ready.fenced);
    EXPECT_EQ(last_ready.received, 0);
    shake_hands(0);
    EXPECT_TRUE(last_ready.fenced) << "no incarnation has this number";
}

TEST_F(ConnectionTest, ReceiptsForFramesThatAreStillBeingWrittenFreeNothingThatIsRead) {
    // The peer reads nothing, so that a write stays under way, and says that it has all.
    const std::vector<Value> values = {std::string(200'000, 'x')};
    const auto run =
        OneWorker::run(one.task("numbers", 1), one.task("pass", 0), OneWorker::row(0, values));
    const auto client = shake_hands();
    for (int i = 0; i < 40; ++i) {
        worker::Batch* const pushed = one.engine.shared().pool.take(run.size());
        std::memcpy(pushed->bytes(), run.data(), run.size());
        pushed->used = static_cast<std::uint32_t>(run.size());
        one.engine.shared().pool.bytes_in_flight.fetch_add(pushed->used);
        one.engine.shared().peers[0]->batches.push(pushed);
        one.engine.shared().peers[0]->notify();
    }
    const auto bytes_out = [&] {
        const auto status = transport->status();
        return status.empty() ? 0 : status.front().bytes_out;
    };
    ASSERT_TRUE(eventually([&] { return bytes_out() > 300'000; }));

    for (std::uint64_t i = 1; i <= 3; ++i) client->send(wire::Frame(wire::Receipt{i}));

    // All arrive unchanged (under asan: nothing was freed), whatever the peer has said.
    std::size_t batches = 0;
    while (batches < 40) {
        const auto frame = client->receive();
        ASSERT_TRUE(frame) << batches;
        const auto* const got = std::get_if<wire::BatchFrame>(&*frame);
        if (got == nullptr) continue;
        ++batches;
        const auto header = wire::read_batch_header(got->batch);
        ASSERT_TRUE(header);
        ASSERT_TRUE(wire::check_checksum(*header, got->batch.subspan(header->header_bytes)));
        if (batches > 3) client->send(wire::Frame(wire::Receipt{header->sequence}));
    }
    EXPECT_TRUE(eventually([&] {
        EXPECT_TRUE(marks_only());
        return one.engine.shared().pool.bytes_in_flight == 0;
    }));
}

/// Without ticks, which let a peer that is held back go on with one batch each.
struct HeldBackTest : ConnectionTest {
    HeldBackTest() : ConnectionTest({.heartbeat = 600'000'000, .silence = 3'600'000'000}) {}
};

TEST_F(HeldBackTest, WhoGoesBeyondItsCreditAndOneCallIsReadAgainWhenItHasTheCredit) {
    worker::Shared& shared = one.engine.shared();
    const TaskId from = one.task("numbers", 0);
    const TaskId to = one.task("pass", 1);
    const std::vector<std::byte> large = OneWorker::row(0, {std::string(1 << 20, 'x')});
    const auto in_flight = [&] { return shared.pool.bytes_in_flight.load(); };
    const auto client = shake_hands();
    std::uint64_t sequence = 0;
    std::uint64_t sent = 0;
    const std::uint64_t allowed = shared.limits.window_bytes_elsewhere +
                                  shared.limits.overshoot_bytes + 3 * OneWorker::kTupleBytesMax;
    for (; sent <= allowed; sent += large.size())
        client->send(batch(++sequence, OneWorker::run(from, to, large)));
    ASSERT_TRUE(eventually([&] { return in_flight() > static_cast<std::int64_t>(allowed); }));
    const std::int64_t before = in_flight();

    // Small ones, which fit into the socket.
    for (int i = 0; i < 10; ++i)
        client->send(batch(++sequence, OneWorker::run(from, to, OneWorker::row())));
    std::this_thread::sleep_for(milliseconds(300));
    EXPECT_EQ(in_flight(), before) << "it is not read";
    static_cast<void>(shared.executor_of(to).channel(from).credit.consume(sent));
    shared.peers[0]->notify();

    EXPECT_TRUE(eventually([&] { return in_flight() >= before + 10 * 24; }));
    EXPECT_TRUE(eventually([&] {
        EXPECT_FALSE(marks_only());
        return in_flight() == 0;
    }));
}

TEST(ConnectionBuffer, IsGivenBackWhenNoFrameHasNeededItForAWhile) {
    boost::asio::io_context io;
    const boost::asio::ip::tcp::endpoint any(boost::asio::ip::address_v4::loopback(), 0);
    boost::asio::ip::tcp::acceptor acceptor(io, any);
    const Client client(acceptor.local_endpoint().port());
    const auto connection = std::make_shared<worker::Connection>(acceptor.accept());
    connection->attend([](worker::Connection&, const wire::Frame&) { return true; },
                       [](worker::Connection&, const std::string&) {});
    connection->start_reading(wire::kFrameBytesMax);
    const auto reads = [&](std::uint64_t frames) {
        while (connection->frames_read() < frames && io.run_one_for(kPatience) == 1) continue;
        return connection->frames_read() == frames;
    };
    constexpr std::size_t kLarge = 8U << 20;

    std::thread sender(
        [&] { client.send(wire::write_batch_head(kLarge) + std::string(kLarge, 'x')); });
    EXPECT_TRUE(reads(1));
    sender.join();
    EXPECT_GT(connection->buffer_bytes(), kLarge);

    for (std::uint64_t i = 1; i <= worker::kSmallReadsMax; ++i) {
        client.send(wire::Frame(wire::Heartbeat{}));
        ASSERT_TRUE(reads(1 + i));
    }
    EXPECT_LE(connection->buffer_bytes(), worker::kBufferKeptBytes);
    connection->close();
    io.run_for(milliseconds(100));
}

TEST(TransportEnds, ThoughItNeverStarted) {
    OneWorker one;
    auto listening = worker::Transport::listen(
        one.engine.shared(),
        {.topology = kTopology, .secret = kSecret, .worker = 1, .incarnation = 1}, "127.0.0.1", 0,
        one.clock, [] {});
    ASSERT_TRUE(listening);
    one.engine.shared().peers[0]->notify();
    listening.value()->close();
}

TEST(TransportEnds, WhileItDialsAndDialsAgain) {
    for (int i = 0; i < 20; ++i) {
        OneWorker one(0);
        auto listening = worker::Transport::listen(
            one.engine.shared(),
            {.topology = kTopology, .secret = kSecret, .worker = 0, .incarnation = 1}, "127.0.0.1",
            0, one.clock, [] {});
        ASSERT_TRUE(listening);
        const auto transport = std::move(listening).value();
        transport->start();
        const worker::PeerPlace nowhere{"127.0.0.1", 1, 0};
        transport->set_peers({std::nullopt, nowhere});
        transport->set_peers({std::nullopt, std::nullopt});
        transport->set_peers({std::nullopt, nowhere});
        std::this_thread::sleep_for(milliseconds(i));
    }
}

}  // namespace
}  // namespace storm::testing

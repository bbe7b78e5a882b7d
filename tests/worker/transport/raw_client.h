// A client of raw bytes, which says to a worker's port what it likes, and an honest handshake.
//
// Threads: the test's.
#pragma once

#include <chrono>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "tests/support/local_socket.h"
#include "wire/frame.h"
#include "worker/transport/authentication.h"

namespace storm::testing {

using std::chrono::milliseconds;

inline const std::string kSecret(32, 's');
inline const std::string kTopology = "test-1-1";

class Client {
public:
    explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const sockaddr peer = tests::loopback(port);
        EXPECT_EQ(::connect(socket_, &peer, sizeof(peer)), 0);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { ::close(socket_); }

    void send(const std::string& bytes) const {
        static_cast<void>(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    }
    void send(const wire::Frame& frame) const { send(wire::write_frame(frame)); }
    /// The next frame that is not a heartbeat; none: the connection has ended, or nothing comes.
    std::optional<wire::Frame> receive(milliseconds patience = milliseconds(5'000)) {
        for (;;) {
            const std::span<const std::byte> arrived(bytes_.front().data(), end_);
            const auto size = wire::frame_bytes(arrived, wire::kFrameBytesMax);
            EXPECT_TRUE(size);
            if (*size == 0 || *size > end_) {
                if (!read(patience)) return std::nullopt;
                continue;
            }
            // Frames are views; each keeps its bytes until the client ends.
            const std::size_t left = end_ - *size;
            std::vector<std::byte> rest(kRoom);
            std::memcpy(rest.data(), bytes_.front().data() + *size, left);
            const auto frame = wire::read_frame(arrived.first(*size));
            bytes_.push_front(std::move(rest));
            end_ = left;
            EXPECT_TRUE(frame);
            if (!frame) return std::nullopt;
            if (!std::holds_alternative<wire::Heartbeat>(*frame)) return *frame;
        }
    }
    /// Whether the other side ends it in time, whatever it says before.
    bool is_closed_within(milliseconds patience) {
        const auto give_up = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < give_up) {
            end_ = 0;
            if (!read(milliseconds(50)) && closed_) return true;
        }
        return false;
    }

private:
    static constexpr std::size_t kRoom = 1 << 20;

    bool read(milliseconds patience) {
        pollfd waiting{socket_, POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return false;
        const ssize_t count = ::recv(socket_, bytes_.front().data() + end_, kRoom - end_, 0);
        closed_ = count <= 0;
        if (count > 0) end_ += static_cast<std::size_t>(count);
        return count > 0;
    }

    int socket_;
    std::deque<std::vector<std::byte>> bytes_{std::vector<std::byte>(kRoom)};
    std::size_t end_ = 0;
    bool closed_ = false;
};

/// The worker's part of a handshake, and the connection that came of it.
struct Greeting {
    std::unique_ptr<Client> client;
    wire::Hello theirs;
    wire::Ready ready;
};

/// `said`: but for its mac.
inline Greeting greet(std::uint16_t port, const wire::Hello& ours, wire::Proof said = {}) {
    Greeting greeting{std::make_unique<Client>(port), {}, {}};
    greeting.client->send(wire::Frame(ours));
    const auto challenge = greeting.client->receive();
    EXPECT_TRUE(challenge && std::holds_alternative<wire::Challenge>(*challenge));
    if (!challenge) return greeting;
    greeting.theirs = std::get<wire::Challenge>(*challenge).hello;
    said.mac = worker::proof_of(
        {worker::Statement::Kind::kProof, said.received, said.fenced, said.succeeded, said.live},
        kSecret, ours, greeting.theirs);
    greeting.client->send(wire::Frame(said));
    const auto ready = greeting.client->receive();
    EXPECT_TRUE(ready && std::holds_alternative<wire::Ready>(*ready));
    if (ready) greeting.ready = std::get<wire::Ready>(*ready);
    return greeting;
}

}  // namespace storm::testing

// Raw sockets for tests of HTTP: a client that sends bytes, a server that answers anything with the
// same bytes, and one that passes on what another one answers, but for some bytes.
//
// Threads: a Listener and a Relay have one of their own.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/thread.h"

namespace storm::tests {

inline sockaddr loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return std::bit_cast<sockaddr>(address);
}

class RawClient {
public:
    explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const sockaddr peer = loopback(port);
        connected_ = ::connect(socket_, &peer, sizeof(peer)) == 0;
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    ~RawClient() { ::close(socket_); }

    bool connected() const { return connected_; }
    void send(const std::string& bytes) const {
        static_cast<void>(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    }
    /// Until `end` has come, or the connection is closed.
    std::string receive_until(const std::string& end) const {
        std::string all;
        std::array<char, 4096> chunk{};
        while (all.find(end) == std::string::npos) {
            const ssize_t count = ::recv(socket_, chunk.data(), chunk.size(), 0);
            if (count <= 0) break;
            all.append(chunk.data(), static_cast<std::size_t>(count));
        }
        return all;
    }
    /// The bytes that have arrived so far.
    std::string receive_now() const {
        std::array<char, 4096> chunk{};
        const ssize_t count = ::recv(socket_, chunk.data(), chunk.size(), MSG_DONTWAIT);
        return count <= 0 ? std::string()
                          : std::string(chunk.data(), static_cast<std::size_t>(count));
    }
    std::string receive_all() const { return receive_until("never sent \x01"); }

private:
    int socket_;
    bool connected_ = false;
};

struct Listening {
    int socket;
    std::uint16_t port;
};
/// On any free port.
inline Listening listen_on_loopback(int backlog) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr address = loopback(0);
    static_cast<void>(::bind(socket, &address, sizeof(address)));
    socklen_t size = sizeof(address);
    static_cast<void>(::getsockname(socket, &address, &size));
    static_cast<void>(::listen(socket, backlog));
    return {socket, ntohs(std::bit_cast<sockaddr_in>(address).sin_port)};
}

/// Answers each connection with the same bytes, whatever it is asked.
class Listener {
public:
    /// kTrickle: a byte more each tenth of a second, for good.
    enum class Then : std::uint8_t { kClose, kStayOpen, kTrickle };

    explicit Listener(std::string answer, Then then = Then::kClose)
        : answer_(std::move(answer)), then_(then) {
        thread_.emplace("listener", [this] { serve(); });
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() {
        ::shutdown(listening_.socket, SHUT_RDWR);
        thread_->join();
        ::close(listening_.socket);
        for (const int peer : open_) ::close(peer);
    }

    std::uint16_t port() const { return listening_.port; }
    /// The first piece of each request.
    std::string received() const {
        const std::lock_guard lock(mutex_);
        return received_;
    }

private:
    void serve() {
        for (;;) {
            pollfd next = {listening_.socket, POLLIN, 0};
            while (then_ == Then::kTrickle && ::poll(&next, 1, kTrickleMs) == 0) {
                for (const int each : open_) static_cast<void>(::send(each, "x", 1, MSG_NOSIGNAL));
            }
            const int peer = ::accept(listening_.socket, nullptr, nullptr);
            if (peer < 0) return;
            std::array<char, 16'384> request{};
            const ssize_t count = ::recv(peer, request.data(), request.size(), 0);
            if (count > 0) {
                const std::lock_guard lock(mutex_);
                received_.append(request.data(), static_cast<std::size_t>(count));
            }
            static_cast<void>(::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL));
            if (then_ == Then::kClose) {
                ::close(peer);
            } else {
                open_.push_back(peer);
            }
        }
    }

    static constexpr int kTrickleMs = 100;

    const std::string answer_;
    const Then then_;
    const Listening listening_ = listen_on_loopback(8);
    mutable std::mutex mutex_;
    std::string received_;   ///< Guarded by mutex_.
    std::vector<int> open_;  ///< Used by the thread, until it has ended.
    std::optional<base::Thread> thread_;
};

/// Passes each connection on to another port, and what comes back with `from` replaced by `to`.
class Relay {
public:
    Relay(std::uint16_t real, std::string from, std::string to)
        : real_(real), from_(std::move(from)), to_(std::move(to)) {
        thread_.emplace("relay", [this] { serve(); });
    }
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    ~Relay() {
        ::shutdown(listening_.socket, SHUT_RDWR);
        thread_->join();
        ::close(listening_.socket);
    }

    std::uint16_t port() const { return listening_.port; }

private:
    void serve() const {
        for (;;) {
            const int peer = ::accept(listening_.socket, nullptr, nullptr);
            if (peer < 0) return;
            pass_on(peer);
            ::close(peer);
        }
    }
    /// Until the real one closes, as it does after an answer to who wants that.
    void pass_on(int peer) const {
        const int real = ::socket(AF_INET, SOCK_STREAM, 0);
        const sockaddr there = loopback(real_);
        static_cast<void>(::connect(real, &there, sizeof(there)));
        std::string answer;
        std::array<char, 16'384> piece{};
        std::array<pollfd, 2> ends{{{peer, POLLIN, 0}, {real, POLLIN, 0}}};
        for (;;) {
            if (::poll(ends.data(), ends.size(), -1) < 0) break;
            if (ends[1].revents != 0) {
                const ssize_t count = ::recv(real, piece.data(), piece.size(), 0);
                if (count <= 0) break;
                answer.append(piece.data(), static_cast<std::size_t>(count));
            } else {
                const ssize_t count = ::recv(peer, piece.data(), piece.size(), 0);
                if (count <= 0) break;
                static_cast<void>(::send(real, piece.data(), std::size_t(count), MSG_NOSIGNAL));
            }
        }
        if (const auto at = answer.find(from_); at != std::string::npos) {
            answer.replace(at, from_.size(), to_);
        }
        static_cast<void>(::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL));
        ::close(real);
    }

    const std::uint16_t real_;
    const std::string from_;
    const std::string to_;
    const Listening listening_ = listen_on_loopback(8);
    std::optional<base::Thread> thread_;
};

}  // namespace storm::tests

// A TCP proxy that behaves like a bad network: it cuts connections, holds up or delays a direction,
// and changes bytes.
//
// Threads: one of its own; the public functions may be called from any.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "base/thread.h"
#include "tests/support/local_socket.h"

namespace storm::testing {

class TcpProxy {
public:
    enum Direction : std::size_t { kThere = 0, kBack = 1 };  // There: from who connects.

    TcpProxy(std::uint16_t target, std::uint64_t seed) : target_(target), random_(seed) {
        thread_.emplace("proxy", [this] { run(); });
    }
    TcpProxy(const TcpProxy&) = delete;
    TcpProxy& operator=(const TcpProxy&) = delete;
    ~TcpProxy() {
        end_.store(true);
        thread_->join();
        ::close(listening_.socket);
    }

    std::uint16_t port() const { return listening_.port; }
    /// Drops what is on its way, and the connections with it.
    void cut() { cut_.store(true); }
    void pause(Direction direction, bool paused) { paused_.at(direction).store(paused); }
    /// Changes one byte of what comes next.
    void flip(Direction direction) { flips_.at(direction).fetch_add(1); }
    void delay(std::chrono::microseconds delay) { delay_us_.store(delay.count()); }
    int connections() const { return connections_.load(); }
    int flipped() const { return flipped_.load(); }

private:
    using Clock = std::chrono::steady_clock;
    struct Chunk {
        Clock::time_point due;
        std::string bytes;
    };
    struct Way {
        int from;
        int to;
        std::deque<Chunk> chunks;
    };
    struct Pair {
        std::array<Way, 2> ways;
    };
    static constexpr std::size_t kChunksMax = 8;

    void run() {
        while (!end_.load()) {
            accept_all();
            if (cut_.exchange(false)) {
                while (!pairs_.empty()) close(0);
            }
            bool moved = false;
            for (std::size_t i = 0; i < pairs_.size();) {
                bool broken = false;
                for (std::size_t way = 0; way < 2 && !broken; ++way)
                    broken = !move(pairs_[i].ways.at(way), way, moved);
                if (broken) {
                    close(i);
                } else {
                    ++i;
                }
            }
            if (!moved) {
                pollfd listening{listening_.socket, POLLIN, 0};
                static_cast<void>(::poll(&listening, 1, 1));
            }
        }
        while (!pairs_.empty()) close(0);
    }

    void accept_all() {
        pollfd listening{listening_.socket, POLLIN, 0};
        while (::poll(&listening, 1, 0) > 0) {
            const int from = ::accept(listening_.socket, nullptr, nullptr);
            if (from < 0) return;
            const int to = ::socket(AF_INET, SOCK_STREAM, 0);
            const sockaddr address = tests::loopback(target_);
            if (::connect(to, &address, sizeof(address)) != 0) {
                ::close(from);
                ::close(to);
                continue;
            }
            const int on = 1;
            for (const int socket : {from, to}) {
                static_cast<void>(::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
            }
            pairs_.push_back({{Way{from, to, {}}, Way{to, from, {}}}});
            ++connections_;
        }
    }

    // False: one end is gone.
    bool move(Way& way, std::size_t direction, bool& moved) {
        if (paused_.at(direction).load()) return true;
        const Clock::time_point now = Clock::now();
        if (way.chunks.size() < kChunksMax) {
            std::string bytes(16 * 1024, '\0');
            const ssize_t read = ::recv(way.from, bytes.data(), bytes.size(), MSG_DONTWAIT);
            if (read == 0 || (read < 0 && errno != EAGAIN)) return false;
            if (read > 0) {
                bytes.resize(static_cast<std::size_t>(read));
                if (flips_.at(direction).load() > 0) {
                    flips_.at(direction).fetch_sub(1);
                    ++flipped_;
                    char& flipped = bytes[random_.below(static_cast<std::uint32_t>(bytes.size()))];
                    flipped = static_cast<char>(static_cast<unsigned char>(flipped) ^
                                                (1U << random_.below(8)));
                }
                way.chunks.push_back(
                    {now + std::chrono::microseconds(delay_us_.load()), std::move(bytes)});
                moved = true;
            }
        }
        while (!way.chunks.empty() && way.chunks.front().due <= now) {
            std::string& bytes = way.chunks.front().bytes;
            const ssize_t sent =
                ::send(way.to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent < 0) return errno == EAGAIN;
            moved = true;
            bytes.erase(0, static_cast<std::size_t>(sent));
            if (!bytes.empty()) return true;
            way.chunks.pop_front();
        }
        return true;
    }

    void close(std::size_t i) {
        ::close(pairs_[i].ways[0].from);
        ::close(pairs_[i].ways[0].to);
        pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
    }

    const std::uint16_t target_;
    base::Random random_;  // Used by the thread.
    const tests::Listening listening_ = tests::listen_on_loopback(16);
    std::vector<Pair> pairs_;  // Used by the thread.
    std::atomic<bool> end_{false};
    std::atomic<bool> cut_{false};
    std::array<std::atomic<bool>, 2> paused_{};
    std::array<std::atomic<int>, 2> flips_{};
    std::atomic<std::int64_t> delay_us_{0};
    std::atomic<int> connections_{0};
    std::atomic<int> flipped_{0};
    std::optional<base::Thread> thread_;
};

}  // namespace storm::testing

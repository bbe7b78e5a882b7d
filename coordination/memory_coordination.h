// The twin of ZooKeeper for tests and simulation: a server in memory, whose clients may lose their
// connections and sessions.
//
//     MemoryServer server(loop, {});
//     Session session(nimbus_loop, [&] { return server.connect(nimbus_loop); }, "/storm");
//
// Requests and answers take time in the loops. Messages on their way when a connection is cut are
// lost, so an operation may have happened or not. A loop stands for a process: if a loop is held,
// as if its process were stopped, it sends no pings, and its sessions end.
//
// Deterministic if the loops and `delay` are.
//
// Threads: one, on which all loops run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "coordination/coordination.h"

namespace storm::coordination {

struct MemoryServerOptions {
    base::Micros session_timeout = 5 * base::kMicrosPerSecond;
    /// Time that the next message takes. Messages of one client stay in order.
    std::function<base::Micros()> delay = [] { return base::Micros{0}; };
};

/// The outcome of a multi().
enum class MultiFault : std::uint8_t {
    kRefused,     ///< kOther; nothing has happened.
    kLostBefore,  ///< The connection breaks and can be made again at once; nothing has happened …
    kLostAfter,   ///< … or all of it has.
};

class MemoryServer {
public:
    explicit MemoryServer(base::EventLoop& loop, MemoryServerOptions options = {});
    ~MemoryServer();
    MemoryServer(const MemoryServer&) = delete;
    MemoryServer& operator=(const MemoryServer&) = delete;

    /// Connects in a later turn. `loop` is the client's process. The server must outlive the
    /// client.
    std::unique_ptr<Coordination> connect(base::EventLoop& loop);

    // ---- Faults of a process's connections.
    /// They break, both sides know it at once, and no new ones are made until mend().
    void cut(const base::EventLoop& process);
    /// Nothing arrives in either direction until mend().
    void silence(const base::EventLoop& process);
    void mend(const base::EventLoop& process);
    /// cut() as soon as its next multi() has happened, so that the answer is lost.
    void cut_after_next_multi(const base::EventLoop& process);
    /// Each of its next `count` calls of multi() fails in this way.
    void fail_multis(const base::EventLoop& process, int count, MultiFault fault);
    /// Its sessions end at once; it learns that when it is connected.
    void expire(const base::EventLoop& process);

    /// Takes the data of another server, which is at an earlier time, so former clients are
    /// refused.
    void become(const MemoryServer& backup);
    /// A server with the present data.
    std::unique_ptr<MemoryServer> backup() const;

    // For tests.
    bool exists(const std::string& path) const;
    std::string data(const std::string& path) const;
    std::vector<std::string> children(const std::string& path) const;
    /// Makes changes like another client.
    CoordinationError change(const std::vector<Step>& steps);
    std::size_t sessions() const;

private:
    struct State;  // Shared with its clients.
    std::shared_ptr<State> state_;
};

}  // namespace storm::coordination

// The twin of ZooKeeper for tests and simulation: a server in memory, with clients that may lose
// their connections and sessions.
//
//     MemoryServer server(loop, {});
//     Session session(nimbus_loop, [&] { return server.connect(nimbus_loop); }, "/storm");
//
// Requests and answers take their way through the loops' time. What was on its way when a
// connection is cut is lost, so an operation may have happened or not. A process is known by its
// loop: one whose loop is held (as if it were stopped) sends no pings, and its sessions end.
//
// Deterministic, if the loops and `delay` are.
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

namespace storm::cluster {

struct MemoryServerOptions {
    base::Micros session_timeout = 5 * base::kMicrosPerSecond;
    /// How long the next message takes. Messages of one client stay in order.
    std::function<base::Micros()> delay = [] { return base::Micros{0}; };
};

/// What becomes of a multi().
enum class MultiFault : std::uint8_t {
    kRefused,     ///< kOther; it has not happened.
    kLostBefore,  ///< The connection breaks, to be made again at once; it has not happened …
    kLostAfter,   ///< … it has.
};

class MemoryServer {
public:
    explicit MemoryServer(EventLoop& loop, MemoryServerOptions options = {});
    ~MemoryServer();
    MemoryServer(const MemoryServer&) = delete;
    MemoryServer& operator=(const MemoryServer&) = delete;

    /// Connects in a later turn. `loop` is the client's process; the server must outlive it.
    std::unique_ptr<Coordination> connect(EventLoop& loop);

    // Faults of a process' connections.
    /// They break, both sides know it at once, and there are no new ones until mend().
    void cut(const EventLoop& process);
    /// Nothing arrives any more, in either direction, until mend().
    void silence(const EventLoop& process);
    void mend(const EventLoop& process);
    /// cut(), once its next multi() has happened: the answer is lost.
    void cut_after_next_multi(const EventLoop& process);
    /// Each of its next `count` multi() fares so.
    void fail_multis(const EventLoop& process, int count, MultiFault fault);
    /// Its sessions end at once; it learns that when it is connected.
    void expire(const EventLoop& process);

    /// Its data is what another server had, which is at an earlier time: clients that were
    /// connected are not taken back.
    void become(const MemoryServer& backup);
    /// What it has now.
    std::unique_ptr<MemoryServer> backup() const;

    // What there is, for tests.
    bool exists(const std::string& path) const;
    std::string data(const std::string& path) const;
    std::vector<std::string> children(const std::string& path) const;
    /// As another client would.
    CoordinationError change(const std::vector<Step>& steps);
    std::size_t sessions() const;

    struct State;  // Its clients' as well.

private:
    std::shared_ptr<State> state_;
};

}  // namespace storm::cluster

// A permanent connection to the coordination service: when a session has expired, or has had no
// connection for kSuspendedTimeoutsMax timeouts, the next one begins.
//
// A daemon has one Session, made first and destroyed last; ClusterState and Election are built on
// it.
//
//     AsioLoop loop(io);
//     Session session(loop, [&] { return connect_zookeeper(loop, …); }, "/storm");
//     ClusterState state(session);
//
// Threads: the loop's, except abandon(); callbacks never come from inside a call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_loop.h"
#include "base/lifetime.h"
#include "coordination/coordination.h"

namespace storm::coordination {

/// Pause before failed operations are tried again, unless a reconnection comes first.
inline constexpr base::Micros kCoordinationRetry = base::kMicrosPerSecond;

/// After this many session timeouts without a connection a new session is begun. A server refuses a
/// client that has seen more than it has, as after it was emptied or restored from a backup; a new
/// client it accepts.
inline constexpr int kSuspendedTimeoutsMax = 4;

class Session {
public:
    using Connect = std::function<std::unique_ptr<Coordination>()>;
    /// `number` grows with each new session, from 1.
    using OnReady = std::function<void(std::uint64_t number)>;

    /// `root` is the path below which everything is kept; created if missing.
    Session(base::EventLoop& loop, Connect connect, std::string root);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Connected, and the layout of docs/zookeeper-layout.md exists.
    bool ready() const { return ready_; }
    SessionState state() const { return client_->session(); }

    /// Calls `ready` each time that it becomes ready (and now, if it is): in a new session, in
    /// which no watches and ephemeral nodes are left, or in the same one, in which failed
    /// operations may be repeated. Never unregistered, so guard what may be destroyed earlier.
    void on_ready(OnReady ready);
    /// Calls `changed` at each change of state().
    void on_state(std::function<void(SessionState)> changed);

    /// Coordination::abandon(): on any thread, as the last use of this.
    void abandon();

    Coordination& client() { return *client_; }
    base::EventLoop& loop() { return loop_; }
    /// path("leader") is "/storm/leader".
    std::string path(std::string_view below) const;

private:
    void connect_();
    void renew_unless_connected_();
    void changed_(SessionState state);
    void look_for_layout_();
    void make_layout_();
    void has_layout_now_(CoordinationError error);
    void tell_ready_();

    base::EventLoop& loop_;
    const Connect connect_client_;
    const std::string root_;
    std::vector<OnReady> when_ready_;
    std::vector<std::function<void(SessionState)>> when_changed_;
    std::mutex abandoning_;  ///< Held while client_ is replaced, and by abandon().
    std::unique_ptr<Coordination> client_;
    std::uint64_t number_ = 0;
    std::uint64_t suspensions_ = 0;
    bool has_layout_ = false;
    bool ready_ = false;
    base::Lifetime lifetime_;
};

}  // namespace storm::coordination

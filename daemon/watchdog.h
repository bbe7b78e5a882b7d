// Ends a daemon whose loop hangs, or that cannot do its work, so that others can take over.
//
// ZooKeeper's client keeps a session alive with threads of its own, even if the loop hangs. So a
// thread asks the loop for a sign of life. If none comes for about as long as the session may be
// silent, it ends the session, so that another daemon takes over at once, and the process, so that
// the service manager restarts it.
//
//     coordination::Session session(loop, …);
//     run_watched(io, session, settings.session_timeout);      // instead of io.run()
//
// Time:    a process that was stopped as a whole (SIGSTOP, a debugger, a suspended machine) did
//          not hang: time that the watching thread missed too does not count.
// Threads: Watchdog has one, "watchdog", which also calls `hung`.
// Cost:    a wake-up of the loop every tenth of the limit.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/thread.h"
#include "coordination/session.h"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace storm::daemon {

/// Decides when the patience is exhausted: a state machine without loop and thread.
class Patience {
public:
    Patience(base::Micros limit, base::Micros now)
        : limit_(limit), interval_(limit / kLooks), last_look_(now) {}

    /// Time between two looks.
    base::Micros interval() const { return interval_; }
    /// `answered`: the last question was answered. Returns true if none was for `limit`: the loop
    /// hangs.
    bool look(bool answered, base::Micros now) {
        const base::Micros passed = std::min(now - last_look_, 2 * interval_);
        last_look_ = now;
        silent_for_ = answered ? 0 : silent_for_ + passed;
        return silent_for_ >= limit_;
    }

private:
    static constexpr int kLooks = 10;

    const base::Micros limit_;
    const base::Micros interval_;
    base::Micros last_look_;
    base::Micros silent_for_ = 0;
};

class Watchdog {
public:
    /// Why the daemon cannot do its work; empty: it can. Called on the loop's thread.
    using Problem = std::function<std::string()>;

    /// `hung` is called once, as the last call: with the last problem, or nothing if the loop does
    /// not answer.
    Watchdog(base::EventLoop& loop, base::Micros limit, Problem problem,
             std::function<void(const std::string& problem)> hung);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

private:
    struct State;
    void watch_();
    void ask_();

    base::EventLoop& loop_;
    const base::Micros limit_;
    const Problem problem_;
    const std::function<void(const std::string&)> hung_;
    const std::shared_ptr<State> state_;  ///< Shared with the question under way.
    std::optional<base::Thread> thread_;
};

/// Runs io.run(). If its loop hangs for `limit`, or has a problem for as long, the process ends
/// with kDaemonFailed.
void run_watched(
    boost::asio::io_context& io, coordination::Session& session, base::Micros limit,
    Watchdog::Problem problem = [] { return std::string(); });

}  // namespace storm::daemon

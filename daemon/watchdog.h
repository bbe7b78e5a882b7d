// Sees to it that a daemon whose loop hangs is given up, by itself as well as by the others.
//
// The client of ZooKeeper keeps a session alive with threads of its own, whatever becomes of the
// loop. So a thread asks the loop for a sign of life. If none comes for about as long as the
// session may be silent, it ends the session, so that another leads or is asked at once, and the
// process, so that the service manager starts it anew.
//
//     Session session(loop, …);
//     run_watched(io, session, settings.session_timeout);      // instead of io.run()
//
// Time:    a process that was stopped as a whole (SIGSTOP, a debugger, a suspended machine) did not
//          hang: what the watching thread has missed, too, does not count.
// Threads: Watchdog has one, "watchdog"; what it calls, it calls there.
// Cost:    a wake-up of the loop each tenth of the limit.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/thread.h"
#include "coordination/session.h"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace storm::cluster {

/// When it is up: a state machine without loop or thread.
class Patience {
public:
    Patience(base::Micros limit, base::Micros now)
        : limit_(limit), interval_(limit / kLooks), last_look_(now) {}

    /// Between two looks.
    base::Micros interval() const { return interval_; }
    /// `answered`: the last question was. True: nothing was for `limit`; it hangs.
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
    /// `hung` is called once, and nothing after it.
    Watchdog(EventLoop& loop, base::Micros limit, std::function<void()> hung);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

private:
    struct State;
    void watch_();

    EventLoop& loop_;
    const base::Micros limit_;
    const std::function<void()> hung_;
    const std::shared_ptr<State> state_;  ///< Also of the question that is under way.
    std::optional<base::Thread> thread_;
};

/// io.run(). If its loop hangs for `limit`, the process ends with kDaemonFailed.
void run_watched(boost::asio::io_context& io, Session& session, base::Micros limit);

}  // namespace storm::cluster

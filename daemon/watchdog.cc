#include "daemon/watchdog.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <boost/asio/io_context.hpp>

#include "base/log.h"
#include "daemon/ending.h"

namespace storm::daemon {
namespace {

/// Nothing here may wait for anything that the loop may be waiting for: a disk, or the reader of
/// the log.
[[noreturn]] void end_hung(coordination::Session& session, base::Micros limit,
                           const std::string& problem) {
    end_at_once(kDaemonFailed, [&] {
        session.abandon();
        base::log::error(
            (problem.empty() ? "the event loop hangs" : problem) +
                "; this process gives up its session and ends",
            {{problem.empty() ? "without_answer_ms" : "for_ms", limit / base::kMicrosPerMilli}});
    });
}

}  // namespace

struct Watchdog::State {
    std::mutex mutex;
    std::condition_variable wake;
    bool asking = false;  // A question is under way.
    std::string problem;  // The last answer; empty: it is well.
    bool closing = false;
};

Watchdog::Watchdog(base::EventLoop& loop, base::Micros limit, Problem problem,
                   std::function<void(const std::string&)> hung)
    : loop_(loop),
      limit_(limit),
      problem_(std::move(problem)),
      hung_(std::move(hung)),
      state_(std::make_shared<State>()) {
    thread_.emplace("watchdog", [this] { watch_(); });
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->closing = true;
    }
    state_->wake.notify_one();
    thread_->join();
}

void Watchdog::watch_() {
    const base::SteadyClock clock;
    Patience patience(limit_, clock.now());
    for (;;) {
        ask_();
        std::string problem;
        bool answered = false;
        {
            std::unique_lock lock(state_->mutex);
            const std::chrono::microseconds interval(patience.interval());
            if (state_->wake.wait_for(lock, interval, [this] { return state_->closing; })) return;
            answered = !state_->asking;
            if (answered) problem = state_->problem;
        }
        if (patience.look(answered && problem.empty(), clock.now())) return hung_(problem);
    }
}

/// Posted, not called: that it is answered is the sign of life. One question at a time, or a loop
/// that hangs would collect them.
void Watchdog::ask_() {
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->asking) return;
        state_->asking = true;
    }
    loop_.post([state = state_, problem = problem_] {
        std::string found = problem();
        const std::lock_guard lock(state->mutex);
        state->asking = false;
        state->problem = std::move(found);
    });
}

void run_watched(boost::asio::io_context& io, coordination::Session& session, base::Micros limit,
                 Watchdog::Problem problem) {
    const Watchdog watchdog(session.loop(), limit, std::move(problem),
                            [&](const std::string& found) { end_hung(session, limit, found); });
    io.run();
}

}  // namespace storm::daemon

#include "daemon/watchdog.h"

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <utility>  // Asio of Boost 1.74 uses std::exchange without it.

#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "base/log.h"
#include "daemon/daemon_main.h"

namespace storm::daemon {
namespace {

/// Time for the last log line and for telling ZooKeeper; then the kernel ends the process.
constexpr unsigned kLastSecs = 1;

/// Nothing here may wait for anything that the loop may be waiting for: a disk, or the reader of
/// the log.
[[noreturn]] void end_hung(coordination::Session& session, base::Micros limit) {
    std::signal(SIGALRM, SIG_DFL);
    sigset_t alarm;
    ::sigemptyset(&alarm);
    ::sigaddset(&alarm, SIGALRM);
    ::pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
    ::alarm(kLastSecs);
    session.abandon();
    base::log::error("the event loop hangs; this process gives up its session and ends",
                     {{"without_answer_ms", limit / base::kMicrosPerMilli}});
    ::_exit(kDaemonFailed);
}

}  // namespace

struct Watchdog::State {
    std::mutex mutex;
    std::condition_variable wake;
    bool answered = true;
    bool closing = false;
};

Watchdog::Watchdog(base::EventLoop& loop, base::Micros limit, std::function<void()> hung)
    : loop_(loop), limit_(limit), hung_(std::move(hung)), state_(std::make_shared<State>()) {
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
    bool answered = true;
    for (;;) {
        if (answered) {
            {
                const std::lock_guard lock(state_->mutex);
                state_->answered = false;
            }
            loop_.post([state = state_] {
                const std::lock_guard lock(state->mutex);
                state->answered = true;
            });
        }
        {
            std::unique_lock lock(state_->mutex);
            const std::chrono::microseconds interval(patience.interval());
            if (state_->wake.wait_for(lock, interval, [this] { return state_->closing; })) return;
            answered = state_->answered;
        }
        if (patience.look(answered, clock.now())) return hung_();
    }
}

void run_watched(boost::asio::io_context& io, coordination::Session& session, base::Micros limit) {
    const Watchdog watchdog(session.loop(), limit, [&] { end_hung(session, limit); });
    io.run();
}

}  // namespace storm::daemon

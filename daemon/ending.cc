#include "daemon/ending.h"

#include <csignal>

#include <poll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"

namespace storm::daemon {
namespace {

/// Time for the last words; then the kernel ends the process.
constexpr unsigned kLastSecs = 1;

}  // namespace

void end_at_once(DaemonExitCode code, const std::function<void()>& last_words) {
    std::signal(SIGALRM, SIG_DFL);
    sigset_t alarm;
    ::sigemptyset(&alarm);
    ::sigaddset(&alarm, SIGALRM);
    ::pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
    ::alarm(kLastSecs);
    last_words();
    ::_exit(code);
}

/// The session is given up at once, so that other daemons take over while this one waits for its
/// threads. The clock runs before that, since giving up waits, too, for the client's.
void begin_ending(coordination::Session& session, DaemonExitCode code) {
    base::Thread last("ending", [code] {
        ::poll(nullptr, 0, static_cast<int>(kEndPatience / base::kMicrosPerMilli));
        end_at_once(code, [] {
            base::log::warn("a thread is still at work; this process ends without it",
                            {{"after_ms", kEndPatience / base::kMicrosPerMilli}});
        });
    });
    last.detach();
    session.abandon();
}

}  // namespace storm::daemon

#include "worker/run/exit_guard.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include <pthread.h>
#include <unistd.h>

#include "worker/run/screen.h"

namespace storm::worker {
namespace {

constexpr int kExitFailed = 1;

// A global, because functions called at exit reach nothing else.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<bool> armed{false};

// Runs before all that was registered earlier, such as destructors of globals. After exit(0) these
// do not run at all, since only _exit() can still change the code. Any other code tells of a
// failure by itself.
void at_exit(int code, void*) {
    if (!armed.exchange(false)) return;
    Screen::give_back();
    std::fprintf(stderr,
                 "error: user code called exit(%d) before the topology had ended\n"
                 "  hint: an exception fails a tuple; a spout says its end by finished()\n",
                 code);
    if (code != 0) return;
    std::fflush(nullptr);
    ::_exit(kExitFailed);
}

// quick_exit() does not tell its exit code.
void at_quick_exit() {
    if (!armed.exchange(false)) return;
    Screen::give_back();
    std::fputs(
        "error: user code called quick_exit() before the topology had ended\n"
        "  hint: an exception fails a tuple; a spout says its end by finished()\n",
        stderr);
    ::_exit(kExitFailed);
}

// A copy of the process that user code makes has no topology that could end.
void in_child() {
    armed.store(false);
}

}  // namespace

ExitGuard::ExitGuard() {
    // Once per process: nothing can be taken out of these lists again. `armed` says whether a run
    // is under way.
    static const bool kRegistered = ::pthread_atfork(nullptr, nullptr, &in_child) == 0 &&
                                    ::on_exit(&at_exit, nullptr) == 0 &&
                                    std::at_quick_exit(&at_quick_exit) == 0;
    armed.store(kRegistered);
}

ExitGuard::~ExitGuard() {
    armed.store(false);
}

}  // namespace storm::worker

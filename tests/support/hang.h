// A process whose main thread stands still while its others go on, as in a call that never returns.
#pragma once

#include <cerrno>
#include <csignal>

#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "tests/support/sanitized.h"

namespace storm::testing {

/// For good: it can only be ended. REQUIRES: a child of this process; the same thread waits for it.
/// False: this machine lets nobody do so.
inline bool hang_main_thread(pid_t pid) {
    if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) return false;
    if (::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0) return false;
    while (::waitpid(pid, nullptr, __WALL) < 0) {
        if (errno != EINTR) return false;
    }
    return true;
}

/// How a daemon ends that wants to end with `code` while its main thread hangs, as a child's wait()
/// has it. The sanitizer's _exit() waits for that thread, so that there the daemon's alarm ends it.
constexpr int exit_of_a_hung_daemon(int code) {
    return kThreadSanitized ? -SIGALRM : code;
}

}  // namespace storm::testing

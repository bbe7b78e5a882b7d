#include "base/interrupt.h"

#include <csignal>

#include <sys/syscall.h>
#include <unistd.h>

namespace storm::base {
namespace {

void wake_up(int) {}

}  // namespace

void allow_interrupts() {
    struct sigaction before {};
    sigaction(SIGURG, nullptr, &before);
    if (before.sa_handler != SIG_DFL) return;
    struct sigaction action {};
    action.sa_handler = &wake_up;  // Without SA_RESTART: the call is not begun again.
    sigaction(SIGURG, &action, nullptr);
}

void interrupt(pid_t thread) {
    syscall(SYS_tgkill, getpid(), thread, SIGURG);  // SIGURG does nothing where it has no handler.
}

}  // namespace storm::base

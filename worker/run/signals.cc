#include "worker/run/signals.h"

#include <csignal>
#include <ctime>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace storm::worker {
namespace {

sigset_t asked_for() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

// Runs in a thread that was there before us, as some libraries start them, if the kernel chose it.
// The main thread's id is that of the process.
void hand_to_main_thread(int signal) {
    syscall(SYS_tgkill, getpid(), getpid(), signal);
}

}  // namespace

Signals::Signals() {
    sigset_t blocked = asked_for();
    sigaddset(&blocked, SIGPIPE);  // A closed pipe is an error of the write.
    pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
    struct sigaction action {};
    action.sa_handler = &hand_to_main_thread;
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

bool Signals::take() {
    const sigset_t set = asked_for();
    const timespec now{};
    return sigtimedwait(&set, nullptr, &now) > 0;
}

}  // namespace storm::worker

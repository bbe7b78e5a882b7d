#include "worker/run/crash.h"

#include <csignal>
#include <cstring>
#include <string_view>

#include <unistd.h>

#include "worker/executor/executor.h"
#include "worker/executor/running.h"
#include "worker/run/screen.h"

namespace storm::worker {
namespace {

// From here on the code runs in a signal handler, with the process in any state.

void say(std::string_view text) {
    static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

void tell_and_die(int signal) {
    Screen::give_back();
    const char* const name = ::sigabbrev_np(signal);  // Reads a table; does not allocate.
    say("error: ended by SIG");
    say(name == nullptr ? "?" : name);
    if (const Executor* const executor = running_executor; executor != nullptr) {
        say(" while it ran the code of ");
        say(executor->named());
    }
    say("\n");
    std::raise(signal);  // SA_RESETHAND has restored the default action.
}

}  // namespace

void tell_of_crashes() {
    struct sigaction action {};
    action.sa_handler = &tell_and_die;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        struct sigaction before {};
        sigaction(signal, nullptr, &before);
        if (before.sa_handler == SIG_DFL) sigaction(signal, &action, nullptr);
    }
}

}  // namespace storm::worker

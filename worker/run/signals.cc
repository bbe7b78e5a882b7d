#include "worker/run/signals.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>

#include <pthread.h>

namespace storm::worker {
namespace {

constexpr std::array kHandled = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

// Globals, because a handler reaches nothing else.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<unsigned> come{0};
static_assert(std::atomic<unsigned>::is_always_lock_free, "used in a signal handler");
// The handlers when let_forks_end() was called.
std::array<struct sigaction, kHandled.size()> in_place{};
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

void count(int) {
    come.fetch_add(1, std::memory_order_relaxed);  // Relaxed, because it publishes nothing else.
}

void survive(int) {}

// SA_RESTART, since user code that reads or writes expects no EINTR because somebody pressed
// Ctrl-C.
void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
}

bool is_ignored(int signal) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    return now.sa_handler == SIG_IGN;
}

/// For the child: restores handlers that are still ours.
void give_back() {
    // Only what is safe in a signal handler may be called here: other threads may have held locks.
    for (std::size_t i = 0; i < kHandled.size(); ++i) {
        struct sigaction now {};
        sigaction(kHandled[i], nullptr, &now);
        if (now.sa_handler == in_place[i].sa_handler && now.sa_handler != SIG_IGN)
            std::signal(kHandled[i], SIG_DFL);
    }
}

}  // namespace

Signals::Signals() : taken_(come.load(std::memory_order_relaxed)) {
    survive_closed_pipes();
    handle(SIGINT, &count);
    handle(SIGTERM, &count);
    if (!is_ignored(SIGHUP)) handle(SIGHUP, &count);  // nohup ignores it, and means: go on.
    let_forks_end();
}

bool Signals::take() {
    if (come.load(std::memory_order_relaxed) == taken_) return false;
    ++taken_;
    return true;
}

void survive_closed_pipes() {
    handle(SIGPIPE, &survive);
}

// In a worker asio has its own handlers in place by now, which would write to the parent's pipe
// from the child.
void let_forks_end() {
    for (std::size_t i = 0; i < kHandled.size(); ++i) sigaction(kHandled[i], nullptr, &in_place[i]);
    static const bool kRegistered = pthread_atfork(nullptr, nullptr, &give_back) == 0;
    static_cast<void>(kRegistered);
}

}  // namespace storm::worker

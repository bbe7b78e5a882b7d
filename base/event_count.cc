#include "base/event_count.h"

#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace storm::base {

/// A wake-up is a hint, and so is its absence: the caller looks again in any case.
void EventCount::wait(Ticket ticket, Micros timeout) {
    timespec relative{};
    if (timeout != kForever) {
        relative.tv_sec = timeout / kMicrosPerSecond;
        relative.tv_nsec = (timeout % kMicrosPerSecond) * 1'000;
    }
    // EAGAIN (a notify came first), ETIMEDOUT and EINTR need no distinction: the caller looks
    // again.
    syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, ticket,
            timeout == kForever ? nullptr : &relative, nullptr, 0);
    cancel_wait(ticket);
}

void EventCount::wake(Ticket state) {
    // Only the waker that clears the bit pays for the call. `state + 1` clears it and counts.
    if (state_.compare_exchange_strong(state, state + 1, std::memory_order_release,
                                       std::memory_order_relaxed)) {
        syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
}

}  // namespace storm::base

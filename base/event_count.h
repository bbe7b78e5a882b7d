// Lets one thread sleep until another has something for it, without a lock on either side.
//
// The sleeper calls `ticket = prepare_wait()`, looks once more for work, then calls wait(ticket, …)
// or cancel_wait(). A waker publishes the work first, then calls notify(). Either the sleeper's
// second look sees the work, or notify() sees the sleeper: both sides pass a sequentially
// consistent fence in between.
//
// Threads: any number of wakers, one sleeper at a time.
// Cost:    notify() without a sleeper: a fence, 2 ns. With one: a futex call; the sleeper runs some
//          20 us later.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace storm::base {

class EventCount {
public:
    using Ticket = std::uint32_t;
    static constexpr Micros kForever = -1;

    Ticket prepare_wait() {
        const Ticket ticket = state_.fetch_or(kSleeping, std::memory_order_seq_cst) | kSleeping;
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return ticket;
    }
    void cancel_wait(Ticket ticket) {
        // Fails when a waker was quicker: then the bit is clear already.
        state_.compare_exchange_strong(ticket, ticket & ~kSleeping, std::memory_order_acquire);
    }
    /// Returns after a notify() that came after prepare_wait(), after `timeout` microseconds, or
    /// spuriously.
    void wait(Ticket ticket, Micros timeout);

    void notify() {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        const Ticket state = state_.load(std::memory_order_relaxed);
        if ((state & kSleeping) != 0) [[unlikely]]
            wake(state);
    }

private:
    static constexpr Ticket kSleeping = 1;

    void wake(Ticket state);

    // Bit 0: the sleeper sleeps, or is about to. The rest counts wake-ups, so that futex sees each
    // one.
    alignas(64) std::atomic<Ticket> state_{0};
};

}  // namespace storm::base

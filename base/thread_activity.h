// Says whether another thread of this process computes, sleeps, or waits for a processor.
//
// Threads: any.
// Cost:    cpu_time() 0.3 us; is_asleep() reads /proc, 10 us.
#pragma once

#include <cstdint>

#include <sys/types.h>

#include "base/clock.h"

namespace storm::base {

/// The calling thread's number, for the functions below.
pid_t thread_number();

/// How long the thread has run on a processor so far. 0 when there is no such thread.
Micros cpu_time(pid_t thread);

/// Use of the processor by the calling thread since it started. Reading it takes 0.5 us.
struct ThreadUse {
    Micros cpu = 0;
    std::int64_t waits = 0;  // Voluntary context switches: it slept or waited.
};
ThreadUse own_use();

/// Whether the thread is blocked on something other than a processor: a lock, a sleep, input.
bool is_asleep(pid_t thread);

}  // namespace storm::base

// Interrupts the system call that a thread is blocked in, as a signal does: the call returns EINTR.
//
// Order:   allow_interrupts() once, before interrupt().
// Threads: any.
#pragma once

#include <sys/types.h>

namespace storm::base {

/// Installs a handler for SIGURG. A program that has its own keeps it, and nothing is interrupted.
void allow_interrupts();
/// `thread`: its thread_number(). A signal may come just before the call that it is meant for, so
/// callers repeat it until the thread has reacted.
void interrupt(pid_t thread);

}  // namespace storm::base

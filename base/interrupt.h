// Interrupts the system call that a thread waits in, as a signal does: it returns EINTR.
//
// Order:   allow_interrupts() once, before interrupt().
// Threads: any.
#pragma once

#include <sys/types.h>

namespace storm::base {

/// Takes SIGURG for it, unless the program has a handler of its own: then nothing is interrupted.
void allow_interrupts();
/// `thread`: its thread_number(). It may come too early, so who must be sure does it again.
void interrupt(pid_t thread);

}  // namespace storm::base

// The last words of a process that crashes: which component's code the thread was running.
//
// Order:   once, before the engine starts. Signals that have a handler already keep it.
// Threads: any.
#pragma once

namespace storm::worker {

/// On a signal such as SIGSEGV one line goes to stderr, and the process ends by that signal.
void tell_of_crashes();

}  // namespace storm::worker

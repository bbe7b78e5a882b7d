// Reports a crash of the process: names the component whose code the thread was running.
//
// Order:   to be called once, before the engine starts. Signals that already have a handler keep
//          it.
// Threads: any.
#pragma once

namespace storm::worker {

/// On a signal such as SIGSEGV prints one line on stderr; the process then ends by that signal.
void tell_of_crashes();

}  // namespace storm::worker

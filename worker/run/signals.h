// SIGINT and SIGTERM as something to ask for; SIGPIPE as an error of the write.
//
// Order:   made once, by the main thread, before it starts others.
// Threads: take() from the thread that made it.
#pragma once

namespace storm::worker {

class Signals {
public:
    /// Blocks the signals in this thread and in those that it starts. They stay blocked: what comes
    /// too late does not kill the process on its way out.
    Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// Whether one has come since the last call. Does not wait.
    bool take();
};

}  // namespace storm::worker

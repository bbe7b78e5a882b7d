// Lets the main loop poll SIGINT, SIGTERM and SIGHUP; turns SIGPIPE into an error of the write.
//
// Signals are neither blocked nor ignored, because programs that user code starts would inherit
// that. Handlers are not inherited, so those programs end by these signals like any other.
//
// Order:   made once, by the main thread, before it starts others.
// Threads: take() from the thread that made it.
#pragma once

namespace storm::worker {

class Signals {
public:
    /// The handlers stay, so that a late signal does not kill the process while it exits.
    Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// Takes one signal that has come. False: there is none. Does not wait.
    bool take();

private:
    unsigned taken_ = 0;
};

/// A write to a closed pipe returns an error instead of raising a deadly signal.
void survive_closed_pipes();
/// Makes copies of this process that user code forks end by these signals again. To be called after
/// the handlers are installed.
void let_forks_end();

}  // namespace storm::worker

// SIGINT, SIGTERM and SIGHUP as something to ask for; SIGPIPE as an error of the write.
//
// Nothing is blocked and nothing ignored: programs that user code starts would begin so. What has a
// handler begins anew with them: they end by these signals as any other program does.
//
// Order:   made once, by the main thread, before it starts others.
// Threads: take() from the thread that made it.
#pragma once

namespace storm::worker {

class Signals {
public:
    /// The handlers stay: what comes too late does not kill the process on its way out.
    Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// Takes one that has come. False: there is none. Does not wait.
    bool take();

private:
    unsigned taken_ = 0;
};

/// A write to a closed pipe is an error of the write, and no signal that kills.
void survive_closed_pipes();
/// A copy of this process that user code made by fork() ends by these signals again, which have
/// their handlers here by now.
void let_forks_end();

}  // namespace storm::worker

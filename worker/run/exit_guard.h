// Notices when user code ends the process by exit() in the middle of a run. Unfinished work must
// not look finished: exit(0) ends the process with code 1, and a line says why.
//
// It cannot see _exit().
//
// Order:   one at a time; made before the engine starts, destroyed when everything is over.
// Threads: made and destroyed by the main thread; user code calls exit() on any.
#pragma once

namespace storm::worker {

class ExitGuard {
public:
    ExitGuard();
    ExitGuard(const ExitGuard&) = delete;
    ExitGuard& operator=(const ExitGuard&) = delete;
    ~ExitGuard();
};

}  // namespace storm::worker

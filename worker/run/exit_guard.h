// Notices when user code ends the process by exit() in the middle of a run. What is left undone
// then must not look done: exit(0) ends it with code 1, and a line says why.
//
// It cannot see _exit().
//
// Order:   one at a time; made before the engine starts, destroyed when all is over.
// Threads: made and destroyed by the main one; user code calls exit() on any.
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

// A stack for the signal handlers of the thread that makes it, so that they run even when the
// thread's own stack is exhausted.
//
// Order:   made at the start of a thread. A stack that the thread has already stays in use.
// Threads: the thread that makes it.
// Cost:    address space; memory only once a handler runs.
#pragma once

namespace storm::base {

class AlternateStack {
public:
    AlternateStack();
    AlternateStack(const AlternateStack&) = delete;
    AlternateStack& operator=(const AlternateStack&) = delete;
    ~AlternateStack();

private:
    void* memory_ = nullptr;  // Null: the system gave none, or the thread had one.
};

}  // namespace storm::base

// Whose code this thread runs, for what must be said of it when it crashes, and to notice calls
// that come from another thread than the task's own.
//
// Threads: each its own.
// Cost:    two words for each step of an executor.
#pragma once

namespace storm::worker {

class Executor;

/// Null: none. Read by a signal handler.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a thread's own.
inline constinit thread_local const Executor* volatile running_executor = nullptr;

/// While it exists, this thread runs the executor.
class RunningHere {
public:
    explicit RunningHere(const Executor& executor) { running_executor = &executor; }
    RunningHere(const RunningHere&) = delete;
    RunningHere& operator=(const RunningHere&) = delete;
    ~RunningHere() { running_executor = nullptr; }
};

}  // namespace storm::worker

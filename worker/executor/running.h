// The executor whose code this thread runs: named when it crashes, and used to notice calls from a
// thread other than the task's.
//
// Threads: each has its own.
// Cost:    two words per step of an executor.
#pragma once

namespace storm::worker {

class Executor;

/// Null: none. A signal handler reads it.
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

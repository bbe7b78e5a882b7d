// One run of a topology in this process, from start to exit code.
//
//     running ──engine finished──────────────────────────► 0; 1 if tuples were lost
//        │ └────engine failed────────────────────────────► 1
//      signal
//        ▼
//     draining ──engine finished─────────────────────────► 0; 1 if tuples were lost
//        │ └─────topology.drain.timeout.ms is over───────► 7
//      signal ───────────────────────────────────────────► 130
//
// Threads: the main thread's.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"
#include "worker/executor/run_state.h"
#include "worker/run/pending_stall.h"
#include "worker/run/signals.h"
#include "worker/run/status_display.h"

namespace storm::worker {

class Engine;

enum class ExitCode : std::uint8_t {
    kDone = 0,
    kFailed = 1,
    kUsage = 2,
    kGivenUp = 7,
    kInterrupted = 130
};

class LocalRun {
public:
    /// All but the name must outlive this. The engine is not started yet. `given`: the keys that
    /// this run was given, and where; a warning names those that nobody has read once everything
    /// has started.
    LocalRun(Engine& engine, std::string topology, Signals& signals, const base::Clock& clock,
             std::map<std::string, std::string> given = {});

    /// Ends the process itself on a second signal, and if user code does not return.
    ExitCode run();

private:
    /// Returns when the engine has ended, or when it must end; then the state is still kRunning.
    RunState::State watch();
    void begin_to_drain(base::Micros now);
    /// Prints warnings for the user.
    void notice(base::Micros now);
    void tell_of_unread_keys();
    /// Returns whether all threads have ended.
    bool stop();
    ExitCode judge(RunState::State state);
    [[noreturn]] void exit_now(ExitCode code);

    Engine& engine_;
    Signals& signals_;
    const base::Clock& clock_;
    const base::Micros drain_timeout_;
    StatusDisplay display_;
    std::map<std::string, std::string> given_;
    PendingStall stall_;
    base::Micros notice_at_ = 0;
    base::Micros drain_until_ = 0;  // 0: not draining.
};

}  // namespace storm::worker

// One run of a topology in this process, from start to exit code.
//
//     running ──engine finished──────────────────────────► 0
//        │ └────engine failed────────────────────────────► 1
//      signal
//        ▼
//     draining ──engine finished─────────────────────────► 0
//        │ └─────topology.drain.timeout.ms is over───────► 7
//      signal ───────────────────────────────────────────► 130
//
// Threads: the main thread's.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "worker/engine.h"
#include "worker/run/signals.h"
#include "worker/run/status_display.h"

namespace storm::worker {

enum class ExitCode : std::uint8_t {
    kDone = 0,
    kFailed = 1,
    kUsage = 2,
    kGivenUp = 7,
    kInterrupted = 130
};

class LocalRun {
public:
    /// All but the name must outlive it. The engine is not started yet.
    LocalRun(Engine& engine, std::string topology, Signals& signals, const base::Clock& clock);

    /// Ends the process itself on a second signal, and when user code does not return.
    ExitCode run();

private:
    /// Until the engine has ended, or must: then it is still kRunning.
    Engine::State watch();
    void begin_to_drain(base::Micros now);
    /// Whether all threads have ended.
    bool stop();
    ExitCode judge(Engine::State state);
    [[noreturn]] void exit_now(ExitCode code);

    Engine& engine_;
    Signals& signals_;
    const base::Clock& clock_;
    const base::Micros drain_timeout_;
    StatusDisplay display_;
    base::Micros drain_until_ = 0;  // 0: not draining.
};

}  // namespace storm::worker

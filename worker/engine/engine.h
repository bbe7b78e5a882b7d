// The engine: one topology, or this worker's share of it, running in this process.
//
//     Engine engine(std::move(topology), config, clock);
//     engine.start();
//     while (engine.wait(second) == Engine::State::kRunning) print(engine.snapshot());
//     engine.stop(patience);
//
// It makes the parts and connects them: what they share, the executors, the loops that run these.
// Output for tasks of other workers leaves by Shared::peers, and their output is pushed into the
// entrances; worker/transport carries both.
//
// Order:   start() once; drain() at most once; stop() before destruction (otherwise the destructor
//          calls it).
// Threads: start, wait, drain and stop from the thread that made it; snapshot() from any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <storm/topology.h>

#include "base/clock.h"
#include "worker/executor/executor.h"
#include "worker/executor/run_state.h"
#include "worker/executor/shared.h"
#include "worker/executor/snapshot.h"
#include "worker/loop/loops.h"
#include "worker/wiring/share.h"

namespace storm::worker {

class Engine {
public:
    using State = RunState::State;

    Engine(Topology topology, const Config& config, const base::Clock& clock, Share share = {});
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine();

    /// `changed` is called, from any thread, when everything is prepared, and when the state has
    /// changed. To be called before start().
    void on_change(std::function<void()> changed) { shared_.state.on_change(std::move(changed)); }
    void start();
    /// Waits until the state is no longer kRunning, or `timeout` is over.
    State wait(base::Micros timeout) { return shared_.state.wait(timeout); }
    /// The reason of the failure.
    std::string failure() const { return shared_.state.failure(); }
    /// Spouts stop; pending trees complete, then bolts finish.
    void drain();
    /// Spouts on threads of their own that are in a system call inside next_tuple() get EINTR from
    /// it, so that they return. A call that is just beginning is missed, so repeat this.
    void interrupt_spouts();
    /// Spouts emit while active, as they do from the start; otherwise they are deactivated.
    void set_active(bool active);
    /// Ends all threads; tasks that have not ended are closed as they are. False: some user code
    /// does not return, its thread is left behind, and the process should end.
    bool stop(base::Micros patience);
    /// Tracked tuples that are neither acked nor failed. To be called after stop().
    std::uint64_t pending() const;
    Snapshot snapshot() const { return take_snapshot(shared_); }

    const Wiring& wiring() const { return shared_.wiring; }
    /// For the transport, and for read-only observers.
    Shared& shared() { return shared_; }
    const Shared& shared() const { return shared_; }
    Loops& loops() { return loops_; }

private:
    void resume_all();

    Shared shared_;
    Loops loops_;
    std::vector<std::unique_ptr<Executor>> executors_;  // Indexed as in the plan; null: elsewhere.
};

}  // namespace storm::worker

#include "worker/engine/engine.h"

#include <utility>

#include "base/event_count.h"
#include "base/interrupt.h"
#include "worker/executor/bolt_executor.h"
#include "worker/executor/running.h"
#include "worker/executor/spout_executor.h"
#include "worker/executor/this_thread.h"

namespace storm::worker {
namespace {

std::unique_ptr<Executor> make_executor(Shared& shared, std::size_t number) {
    const std::size_t component = shared.wiring.plan.executors[number].component;
    if (shared.wiring.topology.components()[component].is_spout())
        return std::make_unique<SpoutExecutor>(shared, number);
    return std::make_unique<BoltExecutor>(shared, number);
}

}  // namespace

Engine::Engine(Topology topology, const Config& config, const base::Clock& clock, Share share)
    : shared_(std::move(topology), config, clock, std::move(share)), loops_(shared_) {
    shared_.state.wake_loops_with([this] { loops_.notify_all(); });
    const Wiring& wiring = shared_.wiring;
    for (std::size_t e = 0; e < wiring.plan.executors.size(); ++e) {
        executors_.push_back(wiring.executor_is_here(e) ? make_executor(shared_, e) : nullptr);
        Executor* const executor = executors_.back().get();
        // Indexed as in the plan, also for those elsewhere: executor_of() goes by that number.
        shared_.executors.push_back(executor);
        if (executor == nullptr) continue;
        if (Cycle* const cycle = shared_.cycle_of(executor->component()))
            cycle->members.push_back(executor);
        loops_.add(*executor);
    }
    // All exist, and have their home, before the first is connected: a sender makes the channel in
    // its target. After this pass the tables are constant, and read by all threads without a lock.
    for (const auto& executor : executors_) {
        if (executor == nullptr) continue;
        executor->connect_elsewhere();
        for (Task* const task : executor->tasks()) task->connect();
        shared_.state.expect(executor->is_spout, executor->tasks().size());
        for (std::uint32_t worker = 0; worker < wiring.share.workers; ++worker)
            if (worker != wiring.share.own) executor->revoke_credit(worker);  // There is none yet.
    }
}

// The executors are destroyed first, and then the loops with their pools. So queued runs go back to
// the loops before.
Engine::~Engine() {
    stop(base::EventCount::kForever);
    loops_.drop_queued();
}

void Engine::start() {
    base::allow_interrupts();
    loops_.start();
    // Last: prepared() counts this call as one more bolt, so nothing is executed before all loops
    // run.
    shared_.state.started();
}

void Engine::drain() {
    shared_.state.drain();
    resume_all();
}

void Engine::interrupt_spouts() {
    for (const auto& executor : executors_) {
        if (executor == nullptr) continue;
        const pid_t thread = executor->blocked_thread.load(std::memory_order_relaxed);
        if (thread != 0) base::interrupt(thread);
    }
}

void Engine::set_active(bool active) {
    if (shared_.state.set_active(active)) resume_all();
}

void Engine::resume_all() {
    for (const auto& executor : executors_) {
        if (executor != nullptr) executor->resume();
    }
}

// May be called again if it has returned false, and after it has returned true. All threads have
// ended when tasks are closed here, so their user code runs on this one.
bool Engine::stop(base::Micros patience) {
    shared_.state.stop();
    if (!loops_.stop(patience, [this] { interrupt_spouts(); })) return false;
    // One may have been on its way home.
    const bool before = std::exchange(this_thread_runs_executors, true);
    for (const auto& executor : executors_) {
        if (executor == nullptr) continue;
        const RunningHere here(*executor);
        executor->close();
    }
    this_thread_runs_executors = before;
    return true;
}

std::uint64_t Engine::pending() const {
    std::uint64_t pending = 0;
    for (const ComponentSnapshot& component : snapshot()) pending += component.pending;
    return pending;
}

}  // namespace storm::worker

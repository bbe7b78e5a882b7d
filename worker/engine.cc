#include "worker/engine.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/interrupt.h"
#include "worker/executor/bolt_executor.h"
#include "worker/executor/spout_executor.h"
#include "worker/queue/limits.h"

namespace storm::worker {
namespace {

std::unique_ptr<SpoutWindow> make_spout_window(const Component& component, const Config& config) {
    const Config own = cluster::component_config(component, config);
    return std::make_unique<SpoutWindow>(message_timeout(own), max_spout_pending(own));
}

}  // namespace

Engine::Engine(Topology topology, const Config& config, const base::Clock& clock, Share share)
    : wiring_(std::move(topology), config, std::move(share)),
      limits_(limits_of(wiring_)),
      clock_(clock),
      watch_(*this),
      crew_(clock) {
    const std::vector<Component>& components = wiring_.topology.components();
    errors_.resize(components.size());
    for (const Component& component : components)
        spout_windows_.push_back(component.is_spout() ? make_spout_window(component, wiring_.config)
                                                      : nullptr);
    for (std::size_t i = 0; i < wiring_.cycles.count; ++i) {
        cycles_.push_back(
            std::make_unique<Cycle>(wiring_.config.int64("topology.cycle.buffer.bytes")));
    }
    for (std::uint32_t i = 0; i < wiring_.placement.loops; ++i) {
        loops_.push_back(std::make_unique<Loop>(*this, i, i < wiring_.placement.shared_loops));
    }
    for (std::uint32_t i = 0; wiring_.share.workers > 1 && i < wiring_.share.workers; ++i)
        peers_.push_back(i == wiring_.share.own ? nullptr : std::make_unique<PeerOutbox>());
    for (std::size_t e = 0; e < wiring_.plan.executors.size(); ++e) {
        const std::size_t component = wiring_.plan.executors[e].component;
        if (!wiring_.executor_is_here(e)) {
            executors_.push_back(nullptr);
            continue;
        }
        if (components[component].is_spout()) {
            executors_.push_back(std::make_unique<SpoutExecutor>(*this, e));
        } else {
            executors_.push_back(std::make_unique<BoltExecutor>(*this, e));
        }
        if (Cycle* const cycle = cycle_of(component))
            cycle->members.push_back(executors_.back().get());
        loops_[wiring_.placement.loop_of_executor[e]]->add(*executors_.back());
    }
    for (const auto& executor : executors_) {
        if (executor == nullptr) continue;
        executor->connect_elsewhere();
        for (Task* const task : executor->tasks()) {
            task->connect();
            running_tasks_.fetch_add(1);
        }
        unopened_.fetch_add(1);
        if (!executor->is_spout) unprepared_.fetch_add(1);
        for (std::uint32_t worker = 0; worker < wiring_.share.workers; ++worker)
            if (worker != wiring_.share.own) executor->revoke_credit(worker);  // None yet.
    }
}

Engine::~Engine() {
    stop(base::EventCount::kForever);
    for (const auto& executor : executors_) {
        if (executor != nullptr) executor->home->drop_queued(*executor);
    }
    for (const auto& loop : loops_) loop->drop_queued();
    for (const auto& loop : annexes_) loop->drop_queued();
    for (const auto& peer : peers_) {
        if (peer == nullptr) continue;
        peer->batches.take_all(free_batch);
        peer->control.take_all([](ControlBatch* left) { delete left; });
    }
    ControlBatch* control = nullptr;
    while (free_controls_.try_dequeue(control)) delete control;
}

Cycle* Engine::cycle_of(std::size_t component) {
    const std::size_t cycle = wiring_.cycles.of_component[component];
    return cycle == kNoCycle ? nullptr : cycles_[cycle].get();
}

Cycle* Engine::cycle_between(std::size_t source, std::size_t target) {
    return wiring_.cycles.inside(source, target) ? cycle_of(source) : nullptr;
}

Entrance& Engine::entrance(std::uint32_t destination) {
    if (destination < wiring_.first_peer()) return *loops_[destination];
    return *peers_[destination - wiring_.first_peer()];
}

void Engine::tell(PeerEvent::Kind kind, std::uint32_t worker) {
    for (const auto& executor : executors_) {
        if (executor == nullptr) continue;
        ControlBatch* const told = take_control();
        told->peer_events.push_back({kind, worker, executor.get()});
        Loop& home = *loops_[wiring_.placement.loop_of_executor[executor->number()]];
        home.control.push(told);
        home.notify();
    }
}

// ---- Running -----------------------------------------------------------------------------------

void Engine::start() {
    base::allow_interrupts();
    std::vector<Loop*> shared;
    for (const auto& loop : loops_) {
        if (loop->number() < wiring_.placement.shared_loops) shared.push_back(loop.get());
        run_in(crew_.hire(), *loop, &Loop::run);
    }
    watch_.start(shared);
    one_prepared();
}

void Engine::run_in(Crew::Member& thread, Loop& loop, void (Loop::*run)()) {
    const bool shared = loop.number() < wiring_.placement.shared_loops;
    crew_.run(thread, (shared ? "loop-" : "exec-") + std::to_string(loop.number()),
              [&loop, run] { (loop.*run)(); });
}

Engine::TakeOut Engine::take_out(Loop& loop, std::uint64_t word) {
    // The thread first: a loop that nobody runs would be the worse evil.
    Crew::Member* const thread = crew_.take();
    if (thread == nullptr) return TakeOut::kNoThread;
    Loop& annex = take_annex();
    if (loop.take_over(word, annex) == nullptr) {
        give_annex(annex);
        crew_.give_back(*thread);
        return TakeOut::kTooLate;
    }
    run_in(*thread, loop, &Loop::run_turns);
    return TakeOut::kDone;
}

Loop& Engine::take_annex() {
    const std::lock_guard lock(mutex_);
    if (free_annexes_.empty())
        return *annexes_.emplace_back(std::make_unique<Loop>(*this, Loop::kAnnex, false));
    Loop& annex = *free_annexes_.back();
    free_annexes_.pop_back();
    return annex;
}

void Engine::give_annex(Loop& annex) {
    const std::lock_guard lock(mutex_);
    free_annexes_.push_back(&annex);
}

std::size_t Engine::annexes() const {
    const std::lock_guard lock(mutex_);
    return annexes_.size();
}

std::vector<Executor*> Engine::in_user_code() const {
    std::vector<Executor*> running;
    const auto look = [&running](const Loop& loop) {
        if (Executor* const executor = loop.in_user_code()) running.push_back(executor);
    };
    for (const auto& loop : loops_) look(*loop);
    const std::lock_guard lock(mutex_);
    for (const auto& annex : annexes_) look(*annex);
    return running;
}

Engine::State Engine::wait(base::Micros timeout) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::microseconds(timeout),
                      [this] { return state_ != State::kRunning; });
    return state_;
}

std::string Engine::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

void Engine::set_state(State state) {
    {
        const std::lock_guard lock(mutex_);
        // Some task may have been reopened meanwhile.
        const bool over = halted() || running_tasks_.load(std::memory_order_acquire) == 0;
        if (state_ == State::kRunning && over) state_ = state;
        changed_.notify_all();
    }
    if (on_change_) on_change_();
}

void Engine::fail(std::string why) {
    {
        const std::lock_guard lock(mutex_);
        if (failure_.empty()) failure_ = std::move(why);
    }
    halted_.store(true, std::memory_order_release);
    set_state(State::kFailed);
    notify_all_loops();
}

void Engine::fail_at_end(std::string why) {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = std::move(why);
}

void Engine::drain() {
    draining_.store(true, std::memory_order_release);
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
    if (active_.exchange(active, std::memory_order_acq_rel) != active) resume_all();
}

void Engine::resume_all() {
    for (const auto& executor : executors_) {
        if (executor != nullptr) resume(*executor);
    }
}

bool Engine::stop(base::Micros patience) {
    stopping_.store(true, std::memory_order_release);
    notify_all_loops();
    watch_.join();
    crew_.close();  // From here on there are no new threads.
    const base::Micros give_up = clock_.now() + patience;
    while (crew_.at_work()) {
        if (patience != base::EventCount::kForever && clock_.now() > give_up) return false;
        notify_all_loops();
        interrupt_spouts();
        base::EventCount pause;
        pause.wait(pause.prepare_wait(), base::kMicrosPerMilli);
    }
    crew_.join();
    // One may have been on its way home.
    for (const auto& executor : executors_) {
        if (executor != nullptr) executor->close();
    }
    return true;
}

void Engine::notify_all_loops() {
    for (const auto& loop : loops_) loop->notify();
    const std::lock_guard lock(mutex_);
    for (const auto& loop : annexes_) loop->notify();
}

void Engine::executor_opened(Executor& executor) {
    unopened_.fetch_sub(1, std::memory_order_acq_rel);
    if (!executor.is_spout) one_prepared();
}

void Engine::one_prepared() {
    if (unprepared_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    notify_all_loops();
    if (on_change_) on_change_();
}

void Engine::task_ended() {
    if (running_tasks_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    set_state(failure().empty() ? State::kFinished : State::kFailed);
}

void Engine::task_reopened() {
    {
        const std::lock_guard lock(mutex_);
        running_tasks_.fetch_add(1, std::memory_order_acq_rel);
        if (state_ == State::kFinished) state_ = State::kRunning;
    }
    if (on_change_) on_change_();
}

void Engine::resume(Executor& executor) {
    Loop& home = *executor.home;
    if (!executor.resumed.exchange(true, std::memory_order_acq_rel)) {
        home.resume(executor);
    } else {
        home.notify();
    }
    // It may sleep inside of an emit, and look for credit alone. Having moved to an annex, it looks
    // again after a fence, as we do after that of notify(): one of us sees the other.
    Loop& now = *executor.loop.load(std::memory_order_acquire);
    if (&now != &home) now.notify();
}

ControlBatch* Engine::take_control() {
    ControlBatch* control = nullptr;
    return free_controls_.try_dequeue(control) ? control : new ControlBatch;  // NOLINT
}

void Engine::give_control(ControlBatch* control) {
    free_controls_.enqueue(control);
}

void Engine::report_error(std::size_t component, TaskId task, std::string_view what) {
    std::uint64_t held_back = 0;
    {
        const std::lock_guard lock(mutex_);
        Errors& errors = errors_[component];
        if (errors.last.size() == kErrorsKept) errors.last.erase(errors.last.begin());
        errors.last.emplace_back(what);
        if (!errors.limit.admit(clock_.now(), held_back)) return;
    }
    const std::string& id = wiring_.topology.components()[component].id;
    if (held_back == 0) {
        base::log::error(what, {{"component", id}, {"task", task}});
    } else {
        base::log::error(what, {{"component", id},
                                {"task", task},
                                {"like_this", static_cast<std::int64_t>(held_back)}});
    }
}

// ---- Looking -----------------------------------------------------------------------------------

std::uint64_t Engine::pending() const {
    std::uint64_t pending = 0;
    for (const ComponentSnapshot& component : snapshot()) pending += component.pending;
    return pending;
}

std::vector<ComponentSnapshot> Engine::snapshot() const {
    const std::vector<Component>& components = wiring_.topology.components();
    std::vector<ComponentSnapshot> all(components.size());
    for (std::size_t c = 0; c < components.size(); ++c) {
        all[c].id = components[c].id;
        all[c].is_spout = components[c].is_spout();
        all[c].here = false;
        all[c].executors = wiring_.plan.components[c].executors;
        all[c].tasks = wiring_.plan.components[c].tasks;
        const std::lock_guard lock(mutex_);
        all[c].last_errors = errors_[c].last;
    }
    const base::Micros now = clock_.now();
    for (const auto& executor : executors_) {
        if (executor == nullptr) continue;
        ComponentSnapshot& into = all[executor->component()];
        const base::Micros since = executor->opening_since.load(std::memory_order_relaxed);
        if (since != 0) into.opening = std::max(into.opening, now - since);
        into.here = true;
        for (Task* const task : executor->tasks()) add_counts(*task, into);
        into.dropped += executor->dropped_elsewhere.load(std::memory_order_relaxed);
    }
    return all;
}

void Engine::add_counts(const Task& task, ComponentSnapshot& into) {
    for (std::size_t i = 0; i < task.streams().size(); ++i) {
        const Stream& stream = *task.streams()[i];
        if (into.streams.size() <= i) into.streams.push_back({std::string(stream.name)});
        into.streams[i].emitted += stream.emitted.value();
        into.streams[i].transferred +=
            stream.only != nullptr ? stream.emitted.value() : stream.transferred.value();
    }
    into.dropped += task.dropped.value();
    into.lost_inputs += task.lost_inputs.value();
    into.lost_emits += task.lost_emits.value();
    into.errors += task.errors.value();
    if (const auto* const spout = dynamic_cast<const SpoutTask*>(&task)) {
        into.acked += spout->acked.value();
        into.failed += spout->failed.value();
        into.pending += spout->pending.load(std::memory_order_relaxed);
        into.pending_max += spout->max_pending();
        into.unreplayed += spout->unreplayed.count();
        spout->complete_latency.add_to(into.complete_latency);
    } else if (const auto* const bolt = dynamic_cast<const BoltTask*>(&task)) {
        into.expired += bolt->expired.value();
        into.kept += task.site()->kept_count();
        for (std::size_t i = 0; i < bolt->inputs().size(); ++i) {
            const BoltTask::InputCounters& input = *bolt->inputs()[i];
            if (into.inputs.size() <= i)
                into.inputs.push_back({input.schema->component, input.schema->stream});
            const std::uint64_t executed = input.executed.value();
            const std::uint64_t failed = input.failed.value();
            into.inputs[i].executed += executed;
            into.inputs[i].failed += failed;
            // Read while it counts: a failure may be there before the execution that it belongs to.
            into.inputs[i].acked +=
                bolt->is_basic() ? executed - std::min(executed, failed) : input.acked.value();
        }
    }
    const std::shared_ptr<TaskSite> site = task.site();
    std::string status = site->status();
    if (!status.empty()) into.statuses.push_back(std::move(status));
    site->for_each_counter([&](const std::string& name, std::uint64_t value) {
        const auto found = std::find_if(into.user_counters.begin(), into.user_counters.end(),
                                        [&](const auto& counter) { return counter.first == name; });
        if (found == into.user_counters.end()) {
            into.user_counters.emplace_back(name, value);
        } else {
            found->second += value;
        }
    });
}

}  // namespace storm::worker

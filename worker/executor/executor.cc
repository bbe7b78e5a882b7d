#include "worker/executor/executor.h"

#include <set>
#include <utility>

#include <storm/detail/suggest.h>
#include <storm/detail/thrown.h>

#include "worker/executor/running.h"

namespace storm::worker {

Channel::Channel(std::uint64_t window, Executor& from, bool inside)
    : credit(window), source(&from), schemas(from.schemas()), inner(inside) {}

Channel::Channel(std::uint64_t window, const Schemas& schemas_given, std::uint64_t id_given,
                 std::uint32_t destination_given)
    : credit(window, CreditReceiver::Sender::kElsewhere),
      source(nullptr),
      schemas(schemas_given),
      inner(false),
      id(id_given),
      destination(destination_given) {}

const std::vector<std::unique_ptr<detail::StreamSchema>>& Executor::schemas() const {
    return shared_.wiring.schemas[component_];
}

Executor::Executor(Shared& shared, std::size_t number)
    : is_spout(shared.wiring.topology.components()[shared.wiring.plan.executors[number].component]
                   .is_spout()),
      entry(*this, shared.wiring.destinations()),
      outbox(shared.pool, shared.wiring.destinations(), shared.limits.overshoot_bytes),
      acks(shared.wiring.destination_of_task, shared.wiring.destinations()),
      in_task(shared.wiring.plan.executors[number].first_task),
      shared_(shared),
      number_(number),
      component_(shared.wiring.plan.executors[number].component),
      clock_(shared.clock),
      quoted_id_(detail::quoted(shared.wiring.topology.components()[component_].id)) {
    // Task ids of a component are consecutive. So the channel of a run is found by a subtraction
    // and an index, without a map. The channels themselves are made when the sources connect.
    const Wiring& wiring = shared.wiring;
    std::set<std::size_t> components;
    for (const Subscription& input : wiring.topology.components()[component_].inputs)
        components.insert(component_index(wiring.topology, input.source));
    for (const std::size_t source : components) {
        const cluster::ComponentPlan& plan = wiring.plan.components[source];
        const auto tasks = static_cast<std::uint32_t>(plan.tasks);
        sources_.push_back({plan.first_task, tasks, channels_by_source_.size()});
        channels_by_source_.resize(channels_by_source_.size() + tasks);
    }
}

std::optional<std::string> Executor::try_open() {
    const std::string& id = shared_.wiring.topology.components()[component_].id;
    const RunningHere running(*this);
    try {
        open();
        return std::nullopt;
    } catch (...) {
        return detail::quoted(id) + ": " + detail::what_was_thrown();
    }
}

std::string Executor::named() const {
    return quoted_id_ + " (task " + std::to_string(in_task.load(std::memory_order_relaxed)) + ')';
}

Target Executor::target(TaskId source, TaskId task) {
    const Wiring& wiring = shared_.wiring;
    return {.task = task,
            .lane = &outbox.lane(wiring.destination_of(task)),
            .run = run_key(source, task),
            .sender = &sender_to(wiring.executor_of_task[static_cast<std::size_t>(task)])};
}

// One Sender and one channel for each pair of executors, however many tasks and streams they have:
// credit is counted per pair. Only Task::connect() comes here, before anything runs; afterwards
// both ends stay where they are.
Sender& Executor::sender_to(std::size_t number) {
    Sender*& sender = sender_by_target_[number];
    if (sender != nullptr) return *sender;
    Executor* const target = shared_.executors[number];
    if (target == nullptr) {
        // Nothing may be sent before the other worker has announced a limit.
        ReceiverElsewhere& receiver =
            receivers_elsewhere_.emplace_back(channel_id(number_, number), 0);
        sender = &senders_.emplace_back(&receiver.credit, nullptr);
        return *sender;
    }
    Cycle* const cycle = shared_.cycle_between(component_, target->component());
    Channel& channel = target->add_channel(*this, cycle != nullptr);
    sender = &senders_.emplace_back(cycle == nullptr ? &channel.credit : nullptr, cycle);
    return *sender;
}

void Executor::connect_elsewhere() {
    const Wiring& wiring = shared_.wiring;
    if (wiring.share.workers == 1) return;
    const std::vector<Component>& components = wiring.topology.components();
    std::set<std::size_t> sources;
    for (const Subscription& input : components[component_].inputs)
        sources.insert(component_index(wiring.topology, input.source));
    for (std::size_t e = 0; e < wiring.plan.executors.size(); ++e) {
        const cluster::ExecutorPlan& source = wiring.plan.executors[e];
        if (wiring.executor_is_here(e) || !sources.contains(source.component)) continue;
        Channel& channel = channels_.emplace_back(
            shared_.limits.window_bytes_elsewhere, wiring.schemas[source.component],
            channel_id(e, number_), wiring.peer(wiring.share.worker_of(e)));
        set_channel(source, channel);
    }
}

std::vector<std::pair<std::uint64_t, CreditReceiver*>> Executor::receivers_elsewhere() {
    std::vector<std::pair<std::uint64_t, CreditReceiver*>> all;
    for (ReceiverElsewhere& receiver : receivers_elsewhere_)
        all.emplace_back(receiver.id, &receiver.credit);
    return all;
}

// At the beginning of a step, so never inside of user code. The credit goes first: callbacks of the
// trees that fail may emit again at once, and what may choose must not choose the lost worker.
void Executor::handle_peer_events() {
    if (peer_events_.empty()) [[likely]]
        return;
    for (const PeerEvent& event : std::exchange(peer_events_, {})) {
        if (event.kind == PeerEvent::Kind::kLost) revoke_credit(event.worker);
        handle(event);
    }
}

void Executor::revoke_credit(std::uint32_t worker) {
    for (const auto& [number, sender] : sender_by_target_) {
        if (shared_.wiring.share.worker_of(number) != worker) continue;
        if (sender->credit.revoke()) outbox.exhausted(*sender);
    }
}

// After the rows were executed, not when they came in: the window bounds all that waits in front of
// a bolt, in every queue on the way.
void Executor::grant(Channel& from, std::uint32_t consumed) {
    if (!from.credit.consume(consumed)) [[likely]]
        return;
    if (from.source != nullptr) {
        from.source->resume();
    } else {
        acks.credit(from.destination, {from.id, from.credit.limit()});
    }
}

void Executor::grant_all_untracked() {
    for (Channel& from : channels_) {
        if (from.untracked.load(std::memory_order_relaxed) && from.credit.announce_all())
            acks.credit(from.destination, {from.id, from.credit.limit()});
    }
}

Channel& Executor::add_channel(Executor& source, bool inner) {
    Channel& channel = channels_.emplace_back(shared_.limits.window_bytes, source, inner);
    set_channel(shared_.wiring.plan.executors[source.number()], channel);
    return channel;
}

void Executor::set_channel(const cluster::ExecutorPlan& source, Channel& channel) {
    for (TaskId task = source.first_task; task < source.first_task + source.tasks; ++task)
        channel_slot(task) = &channel;
}

void Executor::resume() {
    Host& home = *entry.home;
    // Once in the list is enough; but the loop may be asleep again since.
    if (!entry.resumed.exchange(true, std::memory_order_acq_rel)) {
        home.resume(*this);
    } else {
        home.notify();
    }
    // It may sleep in an emit, and wake up only for credit. If it has moved to an annex, it looks
    // again after a fence, as we do after the fence of notify(): one of us sees the other.
    Host& now = *entry.loop.load(std::memory_order_acquire);
    if (&now != &home) now.notify();
}

// In the middle of user code, as the last act of an emit: the executor may lose its loop here, and
// wait for as long as its target does. So callers hold nothing of the loop, and have brought ledger
// and lanes in order before.
void Executor::settle_output() {
    // No bolt executes before all are prepared, so waiting for credit here could last forever.
    if (!entry.opened && !is_spout) {
        if (!outbox.overfull()) return;
        outbox.refuse();
        throw EmitError(
            "prepare() emits more than topology.executor.overshoot.bytes; nobody executes anything "
            "before all bolts are prepared");
    }
    // Without a thread for its loop it cannot wait; so further rows of this call are refused.
    if (!entry.dedicated && !entry.step_loop->detach(*this)) return outbox.refuse();
    hand_over_and_wait();
    // It may have returned without waiting.
    if (shared_.state.stopping() || shared_.state.halted()) outbox.refuse();
}

// A short call tells them when it ends. One that has lasted for as long as a stall may let roots
// time out that it wants to be reset. It moves to an annex first: to hand over it needs a loop for
// itself.
void Executor::tell_spouts(base::Micros now) {
    if (now - clock_.now() < kStallMicros) return;
    if (entry.dedicated || entry.step_loop->detach(*this))
        entry.loop.load(std::memory_order_relaxed)->hand_over(*this);
}

void Executor::hand_over_and_wait() {
    Host& own = *entry.loop.load(std::memory_order_relaxed);
    own.hand_over(*this);
    if (outbox.refresh()) return;
    // If the call ends here, acks and fails can be delivered meanwhile.
    if (is_spout && outbox.has_leeway()) return;
    // Before it sleeps all must leave, open lanes too: a target grants credit only for what it
    // gets.
    outbox.close_all();
    own.hand_over(*this);
    own.wait_for_credit(*this);
}

void resume_members(const Cycle& cycle) {
    for (Executor* const member : cycle.members) member->resume();
}

// Pushed to the home loop, which passes it on to an annex: where an executor runs may change at any
// moment.
void tell_all(Shared& shared, PeerEvent::Kind kind, std::uint32_t worker) {
    for (Executor* const executor : shared.executors) {
        if (executor == nullptr) continue;
        ControlBatch* const told = shared.controls.take();
        told->peer_events.push_back({kind, worker, executor});
        executor->entry.home->control.push(told);
        executor->entry.home->notify();
    }
}

}  // namespace storm::worker

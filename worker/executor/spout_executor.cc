#include "worker/executor/spout_executor.h"

#include <algorithm>

#include "base/check.h"
#include "base/thread_activity.h"

namespace storm::worker {

SpoutExecutor::SpoutExecutor(Shared& shared, std::size_t number)
    : Executor(shared, number),
      first_task_(shared.wiring.plan.executors[number].first_task),
      merge_at_(kAckMergeMin),
      wait_(kSpoutWaitMicrosMin),
      wait_max_(shared.limits.spout_wait_max) {
    const cluster::ExecutorPlan& plan = shared.wiring.plan.executors[number];
    for (TaskId id = plan.first_task; id < plan.first_task + plan.tasks; ++id) {
        const int index = id - shared.wiring.plan.components[plan.component].first_task;
        spouts_.push_back(std::make_unique<SpoutTask>(shared, *this, plan.component, id, index));
        tasks_.push_back(spouts_.back().get());
    }
}

void SpoutExecutor::open() {
    for (const auto& spout : spouts_) {
        spout->set_time(shared_.clock.now());
        spout->open();
        spout->postpone(shared_.clock.now());
    }
    open_ = true;
}

void SpoutExecutor::accept(const RunRef&) {
    STORM_CHECK(false, "nothing is routed to a spout");
}

// A spout that stays in one call, or waits for credit, applies nothing. As they are merged by root,
// the records that wait are bounded by its pending trees.
void SpoutExecutor::accept_acks(std::span<const AckRecord> records) {
    acks_in_.insert(acks_in_.end(), records.begin(), records.end());
    if (acks_in_.size() < merge_at_) [[likely]]
        return;
    merge_by_root(acks_in_);
    merge_at_ = std::max(kAckMergeMin, 2 * acks_in_.size());
}

bool SpoutExecutor::may_call_back() {
    return outbox.refresh() || outbox.has_leeway();
}

bool SpoutExecutor::goes_on_calling_back() {
    if (!outbox.interrupted()) [[likely]]
        return true;
    if (!outbox.closed().empty()) return false;  // The step ends, so that the loop hands it over.
    return may_call_back();
}

// Fails first: they only queue callbacks, which need no credit yet. Acks call back at once, and so
// may run out of credit in the middle; the rest waits in applying_. Letting go comes last: most of
// those roots have completed by then, and need not count as back in flight before.
bool SpoutExecutor::apply_control() {
    for (const FailRecord& record : fails_) {
        if (record.kind == FailRecord::Kind::kHeld && record.held < 0) {
            letting_go_.push_back(record);
        } else {
            task(record.root).apply(record);
        }
    }
    fails_.clear();
    if (applied_ == applying_.size()) {
        applying_.clear();
        applied_ = 0;
        applying_.swap(acks_in_);
        taken_at_ = time_;
    }
    // Nothing is added meanwhile: calls of ack() may bring acks, but into another list.
    const std::span<const AckRecord> records(applying_);
    std::size_t i = applied_;
    bool may_go_on = goes_on_calling_back();
    while (i < records.size() && may_go_on) {
        const AckRecord& record = records[i++];
        if (task(record.root).apply(record)) may_go_on = !over() && goes_on_calling_back();
    }
    applied_ = i;
    if (i < records.size() || !acks_in_.empty()) return false;
    for (const FailRecord& record : letting_go_) task(record.root).apply_letting_go(record);
    letting_go_.clear();
    return true;
}

void SpoutExecutor::handle(const PeerEvent& event) {
    const Wiring& wiring = shared_.wiring;
    const std::vector<std::uint32_t>& reached = wiring.workers_reached[component()];
    for (const auto& spout : spouts_) {
        if (event.kind == PeerEvent::Kind::kStarted) {
            // Its end was told to the former life, and died with it.
            if (!spout->ended()) continue;
            spout->tell_listeners(wire::Eos{}, Task::Listeners::kOutsideOfCycle,
                                  wiring.peer(event.worker));
        } else if (std::binary_search(reached.begin(), reached.end(), event.worker)) {
            spout->abandon(FailReason::kWorkerLost);
        }
    }
}

bool SpoutExecutor::step(base::Micros now) {
    // A link to another worker may come up before everything is prepared here. Its news waits: a
    // step follows open().
    if (!open_) return false;
    clock_.start(now);
    time_ = output_born = now;
    for (const auto& spout : spouts_) spout->set_time(now);
    handle_peer_events();
    Called called;
    called.any = !acks_in_.empty() || applied_ < applying_.size();
    called.more = !apply_control();
    called.any = woken.exchange(false, std::memory_order_acquire) || called.any;
    bool all_ended = true;
    // Read once: a spout that begins to drain within this step must be deactivated first, in the
    // next.
    const bool draining = shared_.state.draining();
    for (const auto& spout : spouts_) {
        if (spout->ended()) continue;
        serve(*spout, draining, called);
        if (spout->drained(draining)) {
            spout->end();
        } else {
            all_ended = false;
        }
    }
    if (called.any) {
        idle_until_ = 0;               // A callback may have given it something to emit.
        advance(shared_.clock.now());  // Or has emitted, long after the step began.
    }
    if (all_ended) {
        idle_until_ = 0;
        return false;
    }
    if (!may_emit(now)) return called.more && may_call_back();
    if (called.more) return true;
    if (now < idle_until_) return false;
    return emit(now, draining);
}

// The order matters: a timeout becomes a callback at once; a callback may emit, and so put off the
// end; activate() comes before posted calls, which wait for an active spout; and the end is told on
// what all these have left.
void SpoutExecutor::serve(SpoutTask& spout, bool draining, Called& called) {
    const auto stop = [this] { return over() || !goes_on_calling_back(); };
    // Not while acks wait that came in time: calls of ack() may take longer than a timeout.
    if (applied_ == applying_.size()) spout.expire(taken_at_);
    if (spout.has_callbacks()) {
        called.any = true;
        called.more = !goes_on_calling_back() || !spout.call_back(stop) || called.more;
    }
    spout.set_active(shared_.state.spouts_active());
    const bool may_post = spout.active() || draining;
    if (spout.has_posted() && may_post && outbox.refresh() && !shared_.over_budget()) {
        called.any = true;
        called.more = !spout.run_posted(stop) || called.more;
        outbox.renew_leeway();
    }
    spout.publish();
    spout.turn();
    spout.tell_ending(draining);
}

bool SpoutExecutor::may_emit(base::Micros now) {
    const bool over_budget = shared_.over_budget();
    if (outbox.refresh() && !over_budget) return true;
    for (const auto& spout : spouts_) spout->held_back();
    // A new credit wakes us, but room in the budget does not.
    idle_until_ = over_budget ? now + kBudgetPollMicros : 0;
    return false;
}

// The ledger takes all roots of a call for as old as the call. If it has lasted, they get the
// difference later, before the new time is set: postpone() goes by the old one.
void SpoutExecutor::advance(base::Micros now) {
    const bool took_long = now - time_ >= kFlushMicros;
    time_ = output_born = now;
    for (const auto& spout : spouts_) {
        if (took_long) [[unlikely]]
            spout->postpone(now);
        spout->set_time(now);
    }
}

Next SpoutExecutor::next_tuple_that_may_block(SpoutTask& spout) {
    blocked_thread.store(base::thread_number(), std::memory_order_relaxed);
    const Next answer = spout.next_tuple();
    blocked_thread.store(0, std::memory_order_relaxed);
    return answer;
}

bool SpoutExecutor::emit(base::Micros now, bool draining) {
    bool emitted = false;
    bool idle = true;
    const std::size_t spouts = spouts_.size();
    std::size_t next = next_spout_;
    while (true) {
        idle = true;
        // One call for each task, in turn, starting behind the one where the last round broke off.
        for (std::size_t left = spouts; left > 0; --left) {
            SpoutTask& spout = *spouts_[next];
            next = next + 1 == spouts ? 0 : next + 1;
            if (!spout.wants_to_emit()) {
                spout.held_back();
                continue;
            }
            const Next answer =
                entry.prompt ? next_tuple_that_may_block(spout) : spout.next_tuple();
            if (answer == Next::kEmitted) idle = false;
            if (outbox.interrupted() && !outbox.refresh()) [[unlikely]]
                break;
        }
        emitted = emitted || !idle;
        // After a blocking call, and whenever a batch is full or credit is used up, the loop gets
        // its turn.
        if (idle || entry.prompt || outbox.interrupted()) break;
        if (over()) break;
    }
    next_spout_ = next;
    outbox.renew_leeway();  // However much one call has emitted, acks and fails are delivered.
    advance(shared_.clock.now());
    idle_until_ = 0;
    if (emitted) wait_ = kSpoutWaitMicrosMin;
    bool wants = false;
    for (const auto& spout : spouts_) {
        // A tuple without listeners completed at once; a spout may have finished.
        if (!spout->ended() &&
            (spout->has_callbacks() || spout->drained(draining) || spout->owes_ending(draining)))
            return true;
        wants = wants || spout->wants_to_emit();
    }
    if (!wants || outbox.blocked()) return false;  // An ack, or credit, must come first.
    if (!idle) return true;
    idle_until_ = now + wait_;
    wait_ = std::min(2 * wait_, wait_max_);
    return false;
}

base::Micros SpoutExecutor::next_due() const {
    if (!open_) return kNever;
    base::Micros due = idle_until_ == 0 ? kNever : idle_until_;
    for (const auto& spout : spouts_) {
        if (!spout->ended()) due = std::min(due, spout->next_due());
    }
    return due;
}

// At a stop: what is pending stays so, and is reported; nobody is called back any more.
void SpoutExecutor::close() {
    for (const auto& spout : spouts_) {
        if (!spout->ended()) spout->close();
    }
}

}  // namespace storm::worker

#include "worker/executor/spout_executor.h"

#include <algorithm>
#include <string>
#include <utility>

#include <storm/detail/spout_access.h>

#include "base/check.h"
#include "base/thread_activity.h"
#include "worker/executor/spout_settings.h"

namespace storm::worker {

SpoutTask::SpoutTask(Shared& shared, Executor& executor, std::size_t component, TaskId id,
                     int index)
    : Task(shared, executor, component, id, index),
      ledger_(id, life_of(shared.wiring.share.incarnation), kLedgerCapacity,
              message_timeout(site_->config()), base::Random(base::kernel_seed())),
      pending_max_(max_spout_pending(site_->config())),
      timeouts_(message_timeout(site_->config()) != 0),
      window_(*shared.spout_windows[component]),
      collector_(*this, nullptr) {}

void SpoutTask::open() {
    spout_ = std::get<Component::SpoutFactory>(
        shared_.wiring.topology.components()[component_].factory)();
    collector_ = SpoutCollector(*this, default_stream());
    const TaskSite::AllMayPost waits(*site_);
    spout_->open(context_, collector_);
    opened_ = true;
}

void SpoutTask::commit_tracked(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                               MessageId id) {
    told_ending_ = false;
    // Its timeout starts now, not when a call began that may have waited for long.
    if (executor_.may_have_waited()) [[unlikely]] {
        set_time(shared_.clock.now());
        executor_.output_born = now_;
    }
    if (tracked_anchors_ == 0) {
        acked.add();
        if (!send(stream, bytes, direct, [](std::byte*) {})) dropped.add();
        completed_.push(id);
    } else if (ledger_.full()) {
        failed.add();
        failed_.push({id, FailReason::kOverflow});
    } else {
        const Root root = ledger_.open(id);
        if (journal_ != nullptr) [[unlikely]]
            journal_->emit(root, id);
        EdgeXor edges = 0;
        bool sent = false;
        try {
            sent = send(stream, bytes, direct, [&](std::byte* row) {
                const std::uint64_t edge = random_.next();
                edges ^= edge;
                // A row that we built has no event time: its anchors follow the header.
                detail::store(row + detail::kRowHeaderBytes + detail::kWord,
                              detail::Anchor{root, edge});
            });
        } catch (...) {
            (void)ledger_.fail(root);  // The caller learns of it by the exception.
            if (journal_ != nullptr) journal_->settled("fail", root, id);
            throw;
        }
        if (!sent) {
            apply(FailRecord{root, FailReason::kOverflow});
        } else if (const auto settled = ledger_.arm(root, edges)) {
            if (journal_ != nullptr) journal_->settled("ack", root, id);
            count_completed(*settled);
            completed_.push(settled->message);
        }
    }
    executor_.after_emit();
}

void SpoutTask::publish() {
    // Until the spout has been told, a tuple counts as pending.
    pending.store(ledger_.pending() + completed_.size() + failed_.size(),
                  std::memory_order_relaxed);
    if (completed_now_ == 0) return;
    acked.add(completed_now_);
    complete_latency.record(now_ - last_emitted_, completed_now_);
    leave_flight(last_emitted_, completed_now_);
    completed_now_ = 0;
}

void SpoutTask::leave_flight(base::Micros emitted, std::uint64_t count) {
    ledger_.take_settled_back([&](base::Micros in) {
        window_.came_back(in);
        --count;
    });
    window_.completed(emitted, count - ledger_.take_settled_held());
}

void SpoutTask::call_ack(MessageId message) {
    unreplayed.acked(message);
    try {
        spout_->ack(message);
    } catch (...) {
        report_thrown("ack");
        count_lost_emit();
    }
}

void SpoutTask::apply(const FailRecord& record) {
    switch (record.kind) {
        case FailRecord::Kind::kReset:
            return ledger_.reset_timeout(record.root, now_);
        case FailRecord::Kind::kHeld:
            return ledger_.keep(record.root, static_cast<std::uint32_t>(record.held));
        case FailRecord::Kind::kFail:
            publish();  // So that what falls now is of this one.
            if (const auto settled = ledger_.fail(record.root)) {
                add_failure(*settled, record.reason);
                leave_flight(settled->emitted, 1);
            }
    }
}

void SpoutTask::apply_letting_go(const FailRecord& record) {
    ledger_.let_go(record.root, -static_cast<std::uint32_t>(record.held));
}

void SpoutTask::add_failure(const worker::Settled& settled, FailReason reason) {
    if (journal_ != nullptr) [[unlikely]]
        journal_->settled("fail", settled.root, settled.message);
    failed.add();
    failed_.push({settled.message, reason});
}

void SpoutTask::expire() {
    if (ledger_.pending() == 0 || !timeouts_ || now_ < next_scan_) return;
    publish();
    expired_.clear();
    ledger_.expire(now_, expired_);
    for (const worker::Settled& settled : expired_) add_failure(settled, FailReason::kTimedOut);
    ledger_.take_settled_back([](base::Micros) {});
    window_.timed_out(expired_.size() - ledger_.take_settled_held());
    next_scan_ = now_ + ledger_.scan_interval();
}

void SpoutTask::abandon(FailReason reason) {
    expired_.clear();
    ledger_.abandon(expired_);
    for (const worker::Settled& settled : expired_) add_failure(settled, reason);
    ledger_.take_settled_back([](base::Micros) {});
    (void)ledger_.take_settled_held();
}

void SpoutTask::call_fail(const Failure& failure) {
    unreplayed.failed(failure.message);
    try {
        spout_->fail(failure.message, failure.reason);
    } catch (...) {
        report_thrown("fail");
        count_lost_emit();
    }
    if (!detail::SpoutAccess::ignores_failures(*spout_)) replays_left_ += kReplayCallsMax;
    renew_limit();
}

void SpoutTask::count_replay(Next next, bool had_finished) {
    if (next == Next::kIdle) {
        replays_left_ = 0;
    } else if (had_finished && --replays_left_ == 0) {
        report_error("next_tuple() said kEmitted " + std::to_string(kReplayCallsMax) +
                     " times for each failed tuple after finished(), and never kIdle; it is not "
                     "called any more");
        lost_emits.add();
    }
    renew_limit();
}

void SpoutTask::turn() {
    ledger_.hold(now_ - kKeptInFlight,
                 [this](base::Micros in, base::Micros out) { window_.kept(in, out); });
    window_.set_any_back(ledger_.any_back());
    window_.turn();
    renew_limit();
}

void SpoutTask::renew_limit() {
    pending_limit_ = has_more() ? std::min(pending_max_, window_.limit() + ledger_.held()) : 0;
}

void SpoutTask::tell_ending(bool draining) {
    if (!owes_ending(draining)) return;
    told_ending_ = true;
    tell_listeners(wire::Ending{}, Listeners::kOutsideOfCycle);
}

void SpoutTask::set_active(bool active) {
    if (active == active_ || ended_) return;
    active_ = active;
    renew_limit();
    const TaskSite::AllMayPost waits(*site_);  // It may wait for a thread that posts.
    try {
        active ? spout_->activate() : spout_->deactivate();
    } catch (...) {
        report_lost_call(active ? "activate" : "deactivate");
    }
}

void SpoutTask::close() {
    if (!opened_) {
        site_->end();  // Its open() may have thrown with a thread at work that posts.
        return;
    }
    opened_ = false;
    publish();  // What the last step emitted is pending.
    const TaskSite::AllMayPost waits(*site_);
    try {
        spout_->close();
    } catch (...) {
        report_lost_call("close");
    }
    site_->end();
    drop_posted();
}

void SpoutTask::end() {
    tell_listeners(wire::Eos{}, Listeners::kOutsideOfCycle);
    close();
    publish();
    active_ = false;
    ended_ = true;
    renew_limit();
    shared_.state.task_ended();
}

void SpoutTask::commit_anchored(detail::OutStream&, std::size_t, TaskId, const Tuple&) {
    STORM_CHECK(false, "a spout collector has no anchored emit");
}
void SpoutTask::commit_joined(detail::OutStream&, std::size_t, TaskId,
                              std::span<const Tuple* const>) {
    STORM_CHECK(false, "a spout collector has no anchored emit");
}
std::size_t SpoutTask::union_roots(std::span<const Tuple* const>) {
    return 0;
}
void SpoutTask::ack(const Tuple&) {}
void SpoutTask::fail(const Tuple&, std::string_view) {}
Kept SpoutTask::keep(const Tuple&) {
    return {};
}
void SpoutTask::ack(Kept&&) {}
void SpoutTask::fail(Kept&&, std::string_view) {}
void SpoutTask::reset_timeout(const Tuple&) {}

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
    if (!outbox.closed().empty()) return false;  // The step ends, and hands it over.
    return may_call_back();
}

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
    }
    // Nothing is added to it meanwhile: ack() may have acks come in, but not here.
    const std::span<const AckRecord> records(applying_);
    std::size_t i = applied_;
    while (i < records.size() && goes_on_calling_back()) {
        const AckRecord& record = records[i++];
        task(record.root).apply(record);
        if (over()) break;
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
            if (!spout->ended()) continue;
            spout->tell_listeners(wire::Eos{}, Task::Listeners::kOutsideOfCycle,
                                  wiring.first_peer() + event.worker);
        } else if (std::binary_search(reached.begin(), reached.end(), event.worker)) {
            spout->abandon(FailReason::kWorkerLost);
        }
    }
}

bool SpoutExecutor::step(base::Micros now) {
    // A link to another worker may come up before all is prepared here. What it tells waits; a step
    // follows open().
    if (!open_) return false;
    clock_.start(now);
    time_ = output_born = now;
    for (const auto& spout : spouts_) spout->set_time(now);
    handle_peer_events();
    bool asked = !acks_in_.empty() || applied_ < applying_.size();
    bool more = !apply_control();
    asked = woken.exchange(false, std::memory_order_acquire) || asked;
    const auto stop = [this] { return over() || !goes_on_calling_back(); };
    bool all_ended = true;
    // Once: who begins to drain within this step is deactivated first, in the next one.
    const bool draining = shared_.state.draining();
    for (const auto& spout : spouts_) {
        if (spout->ended()) continue;
        spout->expire();
        if (spout->has_callbacks()) {
            asked = true;
            more = !goes_on_calling_back() || !spout->call_back(stop) || more;
        }
        spout->set_active(shared_.state.spouts_active());
        const bool may_post = spout->active() || draining;
        if (spout->has_posted() && may_post && outbox.refresh() && !shared_.over_budget()) {
            asked = true;
            more = !spout->run_posted(stop) || more;
            outbox.renew_leeway();
        }
        spout->publish();
        spout->turn();
        spout->tell_ending(draining);
        if (spout->drained(draining)) {
            spout->end();
        } else {
            all_ended = false;
        }
    }
    if (asked) {
        idle_until_ = 0;               // A callback may have given it something to emit.
        advance(shared_.clock.now());  // Or has emitted, long after the step began.
    }
    if (all_ended) {
        idle_until_ = 0;
        return false;
    }
    const bool over_budget = shared_.over_budget();
    if (!outbox.refresh() || over_budget) {
        for (const auto& spout : spouts_) spout->held_back();
        // Credit wakes us; room in the budget does not.
        idle_until_ = over_budget ? now + kBudgetPollMicros : 0;
        return more && may_call_back();
    }
    if (more) return true;
    if (now < idle_until_) return false;
    return emit(now);
}

void SpoutExecutor::advance(base::Micros now) {
    const bool took_long = now - time_ >= kFlushMicros;
    time_ = output_born = now;
    for (const auto& spout : spouts_) {
        if (took_long) [[unlikely]]
            spout->postpone(now);
        spout->set_time(now);
    }
}

bool SpoutExecutor::emit(base::Micros now) {
    bool emitted = false;
    bool idle = true;
    const std::size_t spouts = spouts_.size();
    std::size_t next = next_spout_;
    while (true) {
        idle = true;
        for (std::size_t left = spouts; left > 0; --left) {
            SpoutTask& spout = *spouts_[next];
            next = next + 1 == spouts ? 0 : next + 1;
            if (!spout.wants_to_emit()) {
                spout.held_back();
                continue;
            }
            if (entry.prompt) [[unlikely]]
                blocked_thread.store(base::thread_number(), std::memory_order_relaxed);
            if (spout.next_tuple() == Next::kEmitted) idle = false;
            if (entry.prompt) [[unlikely]]
                blocked_thread.store(0, std::memory_order_relaxed);
            if (outbox.interrupted() && !outbox.refresh()) [[unlikely]]
                break;
        }
        emitted = emitted || !idle;
        if (idle || entry.prompt || outbox.interrupted()) break;
        if (over()) break;
    }
    next_spout_ = next;
    outbox.renew_leeway();  // However much one call emitted: acks and fails are told.
    advance(shared_.clock.now());
    idle_until_ = 0;
    if (emitted) wait_ = kSpoutWaitMicrosMin;
    bool wants = false;
    for (const auto& spout : spouts_) {
        // A tuple that nobody listens to completed at once; a spout may have finished.
        const bool draining = shared_.state.draining();
        if (!spout->ended() &&
            (spout->has_callbacks() || spout->drained(draining) || spout->owes_ending(draining)))
            return true;
        wants = wants || spout->wants_to_emit();
    }
    if (!wants || outbox.blocked()) return false;  // An ack, or credit, comes first.
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

void SpoutExecutor::close() {
    for (const auto& spout : spouts_) {
        if (!spout->ended()) spout->close();
    }
}

}  // namespace storm::worker

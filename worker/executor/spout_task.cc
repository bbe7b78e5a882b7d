#include "worker/executor/spout_task.h"

#include <algorithm>
#include <string>
#include <utility>

#include <storm/detail/spout_access.h>

#include "base/check.h"
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
      bound_(message_timeout(site_->config())),
      collector_(*this, nullptr) {}

void SpoutTask::open() {
    enter();
    spout_ = std::get<Component::SpoutFactory>(
        shared_.wiring.topology.components()[component_].factory)();
    collector_ = SpoutCollector(*this, default_stream());
    const TaskSite::AllMayPost waits(*site_);
    spout_->open(context_, collector_);
    opened_ = true;
}

// The root is opened first, because its copies carry it, and armed with the edges of those that
// were placed, before after_emit(): only there may they leave, and it may wait for credit. So no
// ack meets half a tree.
void SpoutTask::commit_tracked(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                               MessageId id) {
    if (closing_) [[unlikely]] {
        throw EmitError(
            "emit_tracked() in close(), after which nobody can be told what became of the tuple; "
            "use emit()");
    }
    told_ending_ = false;
    // Its timeout starts now: the call may have begun long ago, and waited.
    if (executor_.may_have_waited()) [[unlikely]] {
        set_time(shared_.clock.now());
        executor_.output_born = now_;
    }
    // Without tracking the tuple counts as acked at once, and ack() is called as usual.
    if (tracked_anchors_ == 0) {
        acked.add();
        if (!send_untracked(stream, bytes, direct)) dropped.add();
        completed_.push(id);
        // One call has emitted more than the ledger can hold.
    } else if (ledger_.full()) {
        failed.add();
        failed_.push({id, FailReason::kOverflow});
        if (!std::exchange(told_overflow_, true))
            report_error("one call emits more tracked tuples than " +
                         std::to_string(kLedgerCapacity) +
                         ", the most that a task can have pending; the rest fails as overflow: "
                         "return from next_tuple() now and then");
    } else {
        const Root root = ledger_.open(id);
        if (journal_ != nullptr) [[unlikely]]
            journal_->emit(root, id);
        EdgeXor edges = 0;
        bool sent = false;
        sent_kinds_.note_other();
        try {
            sent = send(stream, bytes, direct, [&](std::byte* row) {
                const std::uint64_t edge = random_.next();
                edges ^= edge;
                // A row that we built has no event time, so its anchors follow the header.
                detail::store(row + detail::kRowHeaderBytes + detail::kWord,
                              detail::Anchor{root, edge});
            });
        } catch (...) {
            (void)ledger_.fail(root);  // The exception tells the caller.
            if (journal_ != nullptr) journal_->settled("fail", root, id);
            throw;
        }
        if (!sent) {
            apply(FailRecord{root, FailReason::kOverflow});
            // No listener got a copy.
        } else if (const auto settled = ledger_.arm(root, edges)) {
            if (journal_ != nullptr) journal_->settled("ack", root, id);
            count_completed(*settled);
            completed_.push(settled->message);
        }
    }
    executor_.after_emit();
}

// Tuples that complete in one step were mostly emitted in one, so they are counted together:
// histogram and windows are touched once for each time of emit, not for each tuple.
void SpoutTask::publish() {
    // A tuple counts as pending until the spout has been told.
    pending.store(ledger_.pending() + completed_.size() + failed_.size(),
                  std::memory_order_relaxed);
    if (completed_now_ == 0) return;
    acked.add(completed_now_);
    complete_latency.record(now_ - last_emitted_, completed_now_);
    STORM_CHECK(kept_now_ <= completed_now_, "a tuple that was kept has completed as well");
    const std::uint64_t never_held = completed_now_ - kept_now_;
    window_.completed(last_emitted_, never_held);
    if (never_held > 0) count_settled(last_emitted_, 0, never_held);
    completed_now_ = 0;
    kept_now_ = 0;
}

void SpoutTask::leave(worker::Settled settled) {
    if (settled.flight == Flight::kBack) window_.came_back(settled.emitted + settled.held_for);
    count_settled(settled.emitted, settled.held_for, 1);
}

void SpoutTask::count_settled(base::Micros emitted, base::Micros held, std::uint64_t count) {
    bound_.settled({.flight = now_ - emitted - held, .held = held, .count = count});
}

void SpoutTask::call_ack(MessageId message) {
    enter();
    unreplayed.acked(message);
    try {
        spout_->ack(message);
    } catch (...) {
        report_thrown("ack");
        count_lost_emit();
    }
}

void SpoutTask::apply(const FailRecord& record) {
    bound_.heard();
    switch (record.kind) {
        case FailRecord::Kind::kReset:
            return ledger_.reset_timeout(record.root, now_);
        case FailRecord::Kind::kHeld:
            return ledger_.keep(record.root, static_cast<std::uint32_t>(record.held));
        case FailRecord::Kind::kFail:
            told_ending_ = false;  // The bolt that failed it waits to be told anew.
            if (const auto settled = ledger_.fail(record.root)) {
                add_failure(*settled, record.reason);
                if (settled->flight == Flight::kInFlight) window_.completed(settled->emitted, 1);
                leave(*settled);
            }
    }
}

void SpoutTask::apply_letting_go(const FailRecord& record) {
    bound_.heard();
    ledger_.let_go(record.root, -static_cast<std::uint32_t>(record.held));
}

void SpoutTask::add_failure(const worker::Settled& settled, FailReason reason) {
    if (journal_ != nullptr) [[unlikely]]
        journal_->settled("fail", settled.root, settled.message);
    failed.add();
    failed_.push({settled.message, reason});
    told_ending_ = false;
}

// Held roots are no sign of a window that is too large: they waited for a bolt, not in a queue.
void SpoutTask::expire(base::Micros until) {
    if (ledger_.pending() == 0 || !timeouts_ || until < next_scan_) return;
    expired_.clear();
    ledger_.expire(until, expired_);
    std::uint64_t held = 0;
    for (const worker::Settled& settled : expired_) {
        add_failure(settled, FailReason::kTimedOut);
        held += settled.flight == Flight::kHeld ? 1U : 0U;
    }
    window_.timed_out(expired_.size() - held);
    next_scan_ = until + ledger_.scan_interval();
}

// All that is pending: which trees had a tuple in the lost worker, nobody knows.
void SpoutTask::abandon(FailReason reason) {
    expired_.clear();
    ledger_.abandon(expired_);
    for (const worker::Settled& settled : expired_) add_failure(settled, reason);
}

void SpoutTask::call_fail(const Failure& failure) {
    enter();
    unreplayed.failed(failure.message);
    try {
        spout_->fail(failure.message, failure.reason);
    } catch (...) {
        report_thrown("fail");
        count_lost_emit();
    }
    // A spout that ended may emit it again, within bounds: user code might never return kIdle.
    if (!detail::SpoutAccess::ignores_failures(*spout_)) replays_left_ += kReplayCallsMax;
    renew_limit();
}

void SpoutTask::count_replay(Next next) {
    if (next == Next::kIdle) {
        replays_left_ = 0;
    } else if (finished_ && --replays_left_ == 0) {
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
    bounded_ = bound_.limit(window_.limit(), ledger_.pending(), ledger_.held());
    told_overflow_ = false;
    renew_limit();
}

void SpoutTask::renew_limit() {
    // Held trees wait for a bolt, not for the topology, so they do not use up the window;
    // topology.max.spout.pending counts them all the same.
    pending_limit_ = has_more() ? std::min(pending_max_, bounded_) : 0;
}

void SpoutTask::tell_ending(bool draining) {
    if (!owes_ending(draining)) return;
    told_ending_ = true;
    tell_listeners(wire::Ending{}, Listeners::kOutsideOfCycle);
}

void SpoutTask::set_active(bool active) {
    if (active == active_ || ended_) return;
    // Before user code: activate() may emit, and a call that throws is not repeated with each step.
    active_ = active;
    renew_limit();
    enter();
    const TaskSite::AllMayPost waits(*site_);  // The object may wait for a thread that posts.
    try {
        active ? spout_->activate() : spout_->deactivate();
    } catch (...) {
        report_lost_call(active ? "activate" : "deactivate");
    }
}

// The site ends after close(), which may join a thread that posts. What was posted and has not run
// by then is dropped: there is no object any more that it could act on.
void SpoutTask::close() {
    if (!opened_) {
        site_->end();  // A failed open() may have left a thread that posts.
        return;
    }
    opened_ = false;
    closing_ = true;
    enter();
    publish();  // Trees of the last step are pending.
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
    STORM_CHECK(ledger_.pending() == 0 && !has_callbacks(),
                "a spout task is told of all its tuples before it ends");
    // First, because close() may emit.
    close();
    tell_listeners(wire::Eos{}, Listeners::kOutsideOfCycle);
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

}  // namespace storm::worker

// One running copy of a spout: its ledger of open trees, its pending callbacks, and its limit of
// trees in flight.
//
// The end of a task: finished() says that nothing new comes; failed tuples may be emitted again.
// Once bolts keep all that is pending, the listeners are told (ENDING), and when nothing is EOS
// follows.
//
// Threads: its executor's; `pending` and the counters may be read by any.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <storm/spout.h>

#include "base/clock.h"
#include "worker/acker/ack_lane.h"
#include "worker/acker/ack_ledger.h"
#include "worker/executor/executor.h"
#include "worker/executor/pending_bound.h"
#include "worker/executor/spout_window.h"
#include "worker/executor/stats.h"
#include "worker/executor/task.h"
#include "worker/executor/unreplayed.h"
#include "worker/queue/limits.h"
#include "worker/queue/ring.h"
#include "worker/queue/timer_heap.h"

namespace storm::worker {

class SpoutTask final : public Task {
public:
    SpoutTask(Shared& shared, Executor& executor, std::size_t component, TaskId id, int index);
    // First, because a thread of its spout may be waiting in post().
    ~SpoutTask() override { site_->end(); }

    void open();
    void commit_tracked(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                        MessageId id) override;
    void finished() override {
        finished_ = true;
        renew_limit();
    }
    void dealt_with(MessageId id) override { unreplayed.acked(id); }
    /// Makes waiting callbacks; false: stop() ended it before all were made.
    template <typename Stop>
    bool call_back(Stop&& stop) {
        while (has_callbacks()) {  // A callback may bring others.
            if (!completed_.empty()) {
                const MessageId message = completed_.front();
                completed_.pop();
                call_ack(message);
            } else {
                const Failure failure = failed_.front();
                failed_.pop();
                call_fail(failure);
            }
            if (stop()) return !has_callbacks();
        }
        return true;
    }

    // For bolts; SpoutCollector does not have them.
    void commit_anchored(detail::OutStream&, std::size_t, TaskId, const Tuple&) override;
    void commit_joined(detail::OutStream&, std::size_t, TaskId,
                       std::span<const Tuple* const>) override;
    std::size_t union_roots(std::span<const Tuple* const> anchors) override;
    void ack(const Tuple&) override;
    void fail(const Tuple&, std::string_view) override;
    Kept keep(const Tuple&) override;
    void ack(Kept&&) override;
    void fail(Kept&&, std::string_view) override;
    void reset_timeout(const Tuple&) override;

    // ---- For SpoutExecutor.
    /// Returns whether it called back.
    bool apply(const AckRecord& record) {
        bound_.heard();
        const auto settled = ledger_.ack(record.root, record.edges);
        if (!settled) return false;
        if (journal_ != nullptr) [[unlikely]]
            journal_->settled("ack", settled->root, settled->message);
        count_completed(*settled);
        call_ack(settled->message);
        return true;
    }
    void apply(const FailRecord& record);
    /// To be applied after the acks that came with it, which complete most roots.
    void apply_letting_go(const FailRecord& record);
    /// Makes the counts of this step visible.
    void publish();
    /// Fails roots whose time was over at `until`. Acks that came by then must have been applied.
    void expire(base::Micros until);
    /// Adapts the number of trees in flight to the completed ones.
    void turn();
    /// All pending trees fail: everything that they reach is lost.
    void abandon(FailReason reason);
    void set_active(bool active);
    Next next_tuple() {
        enter();
        try {
            const Next next = spout_->next_tuple(collector_);
            if (replays_left_ > 0) [[unlikely]]
                count_replay(next);
            return next;
        } catch (...) {
            report_thrown("next_tuple");
            count_lost_emit();
        }
        if (replays_left_ > 0) count_replay(Next::kEmitted);
        return Next::kIdle;  // A pause, in case it throws each time.
    }
    void close();
    void end();

    bool active() const { return active_; }
    bool wants_to_emit() const { return ledger_.pending() < pending_limit_; }
    /// It wanted to emit, but could not.
    void held_back() {
        if (has_more()) window_.limited(!bound_.applies());
    }
    /// Nothing new will come.
    bool is_ending(bool draining) const { return (finished_ && replays_left_ == 0) || draining; }
    /// The listeners do not know that, and wait for pending trees to complete. They are told once
    /// bolts hold all of these: what is still in flight may fail, and then comes again.
    bool owes_ending(bool draining) const {
        if (told_ending_ || ledger_.pending() == 0 || has_callbacks()) return false;
        return draining || ((is_ending(draining) || is_at_limit()) && all_held());
    }
    void tell_ending(bool draining);
    /// Nothing is in flight, and nothing will come.
    bool drained(bool draining) {
        return is_ending(draining) && ledger_.pending() == 0 && !has_callbacks() &&
               ran_what_was_posted(LatePosts::kRefused);
    }
    bool has_callbacks() const { return !completed_.empty() || !failed_.empty(); }
    /// When it must be looked at even if nothing arrives.
    base::Micros next_due() const {
        const base::Micros scan = ledger_.pending() == 0 || !timeouts_ ? kNever : next_scan_;
        const base::Micros hold = ledger_.next_hold(kKeptInFlight).value_or(kNever);
        return std::min({scan, hold, bound_.next_due()});
    }
    /// A call took long, so its roots are newer than their time says.
    void postpone(base::Micros now) {
        if (ledger_.pending() > 0) ledger_.postpone(now_, now);
    }
    void set_time(base::Micros now) {
        now_ = now;
        ledger_.set_time(now);
        window_.set_time(now);
        bound_.set_time(now);
    }

    std::uint32_t max_pending() const { return pending_max_; }

    LatencyHistogram complete_latency;
    Counter acked;
    Counter failed;
    Unreplayed unreplayed;

    std::atomic<std::uint64_t> pending{0};

private:
    struct Failure {
        MessageId message;
        FailReason reason;
    };

    /// Apart from limits: after finished(), only failed tuples are emitted.
    bool has_more() const { return (!finished_ || replays_left_ > 0) && !ended_ && active_; }
    bool all_held() const { return ledger_.pending() == ledger_.held(); }
    /// It may have replays, but not before a bolt that waits for its end lets go of kept tuples.
    bool is_at_limit() const { return finished_ && ledger_.pending() >= pending_max_; }
    void count_replay(Next next);
    void renew_limit();
    void call_ack(MessageId message);
    void call_fail(const Failure& failure);
    void add_failure(const worker::Settled& settled, FailReason reason);
    /// Tells the bound of a root that has settled, and the window if it was back in flight.
    // By value: a reference would force every settled root into memory.
    void leave(worker::Settled settled);
    void count_settled(base::Micros emitted, base::Micros held, std::uint64_t count);
    void count_completed(const worker::Settled& settled) {
        // Roots that complete together were mostly emitted together.
        if (settled.emitted != last_emitted_) [[unlikely]] {
            publish();
            last_emitted_ = settled.emitted;
        }
        ++completed_now_;
        if (settled.flight != Flight::kInFlight) [[unlikely]] {
            ++kept_now_;
            leave(settled);
        }
    }

    base::Micros now_ = 0;
    AckLedger ledger_;
    const std::uint32_t pending_max_;
    const bool timeouts_;
    TaskWindow window_;
    PendingBound bound_;
    std::uint32_t bounded_ = 1;        // The limit of window and bound together.
    std::uint32_t pending_limit_ = 1;  // The same, and pending_max_; 0: it has no more to emit.
    base::Micros next_scan_ = 0;
    std::unique_ptr<Spout> spout_;
    SpoutCollector collector_;
    bool finished_ = false;
    /// How often next_tuple() is still called after finished(), because of tuples that failed since
    /// it last had nothing to emit.
    std::uint64_t replays_left_ = 0;
    bool active_ = false;
    bool opened_ = false;
    bool told_overflow_ = false;       // In this step.
    bool closing_ = false;             // close() was called.
    bool told_ending_ = false;         // Since the last tracked emit, and the last failure.
    Ring<MessageId> completed_;        // Messages whose ack() has to be called.
    std::uint64_t completed_now_ = 0;  // Not yet published; all of them emitted at last_emitted_.
    std::uint64_t kept_now_ = 0;       // Those of them that did not leave flight just now.
    base::Micros last_emitted_ = 0;
    Ring<Failure> failed_;  // Messages whose fail() has to be called.
    std::vector<worker::Settled> expired_;
};

}  // namespace storm::worker

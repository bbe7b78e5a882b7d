// Runs spouts: applies acks and fails to their ledgers, calls back, and asks for tuples while there
// is credit.
//
//     step:  acks ─► ack() ─► timeouts ─► fail() ─► posted calls ─► next_tuple() until a batch is
//            full, 200 us are over, credit, the window or topology.max.spout.pending is used up, or
//            it says kIdle
//
// ack() and fail() are called although credit is used up, as long as what they emit themselves
// stays within kLeewayBytes; the rest waits for credit.
//
// How a task ends: finished() says that nothing new comes. The listeners are told (ENDING), what
// fails may be emitted again, and when nothing is pending EOS follows.
//
// Threads: as Executor.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "worker/acker/ack_ledger.h"
#include "worker/executor/executor.h"
#include "worker/executor/spout_window.h"
#include "worker/executor/task.h"
#include "worker/executor/unreplayed.h"
#include "worker/queue/ring.h"

namespace storm::worker {

class SpoutTask final : public Task {
public:
    SpoutTask(Shared& shared, Executor& executor, std::size_t component, TaskId id, int index);
    ~SpoutTask() override { site_->end(); }  // First: a thread of its spout may wait in post().

    void open();
    void commit_tracked(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                        MessageId id) override;
    void finished() override {
        finished_ = true;
        renew_limit();
    }
    void dealt_with(MessageId id) override { unreplayed.acked(id); }
    /// Of its calls that wait, those that may be made now; false: stop() ended it.
    template <typename Stop>
    bool call_back(Stop&& stop) {
        while (has_callbacks()) {  // A call may bring others.
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

    // Those of bolts; SpoutCollector does not have them.
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
    void apply(const AckRecord& record) {
        if (const auto settled = ledger_.ack(record.root, record.edges)) {
            if (journal_ != nullptr) [[unlikely]]
                journal_->settled("ack", settled->root, settled->message);
            count_completed(*settled);
            call_ack(settled->message);
        }
    }
    void apply(const FailRecord& record);
    /// After the acks that came with it: for most roots they were the last ones.
    void apply_letting_go(const FailRecord& record);
    /// Makes the counts of this step visible.
    void publish();
    void expire();
    /// Adapts to what has completed: how many more may be in flight.
    void turn();
    /// All pending trees fail: what they reach is lost.
    void abandon(FailReason reason);
    void set_active(bool active);
    Next next_tuple() {
        try {
            const bool had_finished = finished_;
            const Next next = spout_->next_tuple(collector_);
            if (replays_left_ > 0) [[unlikely]]
                count_replay(next, had_finished);
            return next;
        } catch (...) {
            report_thrown("next_tuple");
            count_lost_emit();
        }
        if (replays_left_ > 0) count_replay(Next::kEmitted, finished_);
        return Next::kIdle;  // Gives it time, should it throw each time.
    }
    void close();
    void end();

    bool active() const { return active_; }
    bool wants_to_emit() const { return ledger_.pending() < pending_limit_; }
    /// It could not emit though it wanted to.
    void held_back() {
        if (has_more()) window_.limited();
    }
    /// Nothing new is to come of it.
    bool is_ending(bool draining) const { return (finished_ && replays_left_ == 0) || draining; }
    /// The listeners do not know it, and wait for what is pending to be complete.
    bool owes_ending(bool draining) const {
        return (is_ending(draining) || all_held_at_limit()) && ledger_.pending() > 0 &&
               !has_callbacks() && !told_ending_;
    }
    void tell_ending(bool draining);
    /// Nothing of it is on its way, and nothing is to come.
    bool drained(bool draining) {
        return is_ending(draining) && ledger_.pending() == 0 && !has_callbacks() &&
               ran_what_was_posted(LatePosts::kRefused);
    }
    bool has_callbacks() const { return !completed_.empty() || !failed_.empty(); }
    /// When it must be looked at though nothing arrives.
    base::Micros next_due() const {
        const base::Micros scan = ledger_.pending() == 0 || !timeouts_ ? kNever : next_scan_;
        return std::min(scan, ledger_.next_hold(kKeptInFlight).value_or(kNever));
    }
    /// It is later than the roots of the last calls say: one of them took long.
    void postpone(base::Micros now) {
        if (ledger_.pending() > 0) ledger_.postpone(now_, now);
    }
    void set_time(base::Micros now) {
        now_ = now;
        ledger_.set_time(now);
        window_.set_time(now);
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

    /// Beside limits: finished() is final but for what fails.
    bool has_more() const { return (!finished_ || replays_left_ > 0) && !ended_ && active_; }
    /// It may have replays, but not before a bolt that waits for its end lets go of what it keeps.
    bool all_held_at_limit() const {
        return finished_ && !wants_to_emit() && ledger_.pending() == ledger_.held();
    }
    void count_replay(Next next, bool had_finished);
    void renew_limit();
    void call_ack(MessageId message);
    void call_fail(const Failure& failure);
    void add_failure(const worker::Settled& settled, FailReason reason);
    /// Tells the window of `count` roots that have settled and were emitted at `emitted`, but for
    /// what bolts kept of them.
    void leave_flight(base::Micros emitted, std::uint64_t count);
    void count_completed(const worker::Settled& settled) {
        // Roots that complete together were mostly emitted together.
        if (settled.emitted != last_emitted_) [[unlikely]] {
            publish();
            last_emitted_ = settled.emitted;
        }
        ++completed_now_;
    }

    base::Micros now_ = 0;
    AckLedger ledger_;
    const std::uint32_t pending_max_;
    const bool timeouts_;
    TaskWindow window_;
    std::uint32_t pending_limit_ = 1;  // Of both; 0: it has no more.
    base::Micros next_scan_ = 0;
    std::unique_ptr<Spout> spout_;
    SpoutCollector collector_;
    bool finished_ = false;
    /// How often next_tuple() is called after finished(), for what has failed since it last had
    /// nothing to emit.
    std::uint64_t replays_left_ = 0;
    bool active_ = false;
    bool opened_ = false;
    bool told_ending_ = false;         // To the listeners, since the last tracked emit.
    Ring<MessageId> completed_;        // Whose ack() is to be called.
    std::uint64_t completed_now_ = 0;  // Not yet published; all emitted at last_emitted_.
    base::Micros last_emitted_ = 0;
    Ring<Failure> failed_;  // Whose fail() is.
    std::vector<worker::Settled> expired_;
};

class SpoutExecutor final : public Executor {
public:
    SpoutExecutor(Shared& shared, std::size_t number);

    std::span<Task* const> tasks() const override { return tasks_; }
    bool step(base::Micros now) override;
    void close() override;
    void accept(const RunRef& run) override;
    void accept_acks(std::span<const AckRecord> records) override;
    void accept_fail(const FailRecord& record) override { fails_.push_back(record); }
    base::Micros next_due() const override;
    void leave_batches(std::vector<Batch*>&) override {}  // Spouts have no input.
    void drop_queued() override {}

private:
    void open() override;
    void handle(const PeerEvent& event) override;
    /// Passes a new time on to the spouts; calls that took long until then do not count against
    /// their roots.
    void advance(base::Micros now);
    /// After each call of user code, before others: whether the step has taken long enough. What is
    /// emitted from now on is as new as that.
    bool over() {
        if (!clock_.looks()) [[likely]]
            return false;
        advance(clock_.now());
        return clock_.was_over();
    }
    /// Whether ack() and fail() may be called: there is credit for what they emit, or leeway.
    bool may_call_back();
    /// Whether they may be called in this step still.
    bool goes_on_calling_back();
    /// Returns whether all that came has been applied.
    bool apply_control();
    /// Calls next_tuple(). Returns whether it can go on at once.
    bool emit(base::Micros now);
    SpoutTask& task(Root root) {
        return *spouts_[static_cast<std::size_t>(task_of(root) - first_task_)];
    }

    const TaskId first_task_;
    std::vector<std::unique_ptr<SpoutTask>> spouts_;
    bool open_ = false;
    std::vector<Task*> tasks_;    // The same.
    std::size_t next_spout_ = 0;  // Whose turn it is to emit.
    std::vector<AckRecord> acks_in_;
    std::vector<AckRecord> applying_;  // What was in it: ack() is called meanwhile.
    std::size_t applied_ = 0;          // Of these.
    std::size_t merge_at_;
    std::vector<FailRecord> fails_;
    std::vector<FailRecord> letting_go_;  // Of these.
    base::Micros time_ = 0;               // That the spouts were told.
    base::Micros wait_;                   // Of an idle spout, before it is asked again; grows.
    base::Micros idle_until_ = 0;         // 0: it is not idle.
    const base::Micros wait_max_;
};

}  // namespace storm::worker

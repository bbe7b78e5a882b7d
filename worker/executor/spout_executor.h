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
#include "worker/executor/unreplayed.h"

namespace storm::worker {

/// topology.max.spout.pending, or its default, of a spout with these settings.
std::uint32_t max_spout_pending(const Config& config);
/// topology.message.timeout.secs; 0: its tuples never time out.
base::Micros message_timeout(const Config& config);

class SpoutTask final : public Task {
public:
    SpoutTask(Engine& engine, Executor& executor, std::size_t component, TaskId id, int index);

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
            if (completed_told_ < completed_.size()) {
                const MessageId message = completed_[completed_told_++];
                call_ack(message);
            } else {
                const Failure failure = failed_[failed_told_++];
                call_fail(failure);
            }
            if (stop()) return !has_callbacks();
        }
        completed_.clear();
        failed_.clear();
        completed_told_ = failed_told_ = 0;
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
            if (replays_ > 0) [[unlikely]]
                count_replay(next, had_finished);
            return next;
        } catch (...) {
            report_thrown("next_tuple");
            count_lost_emit();
        }
        if (replays_ > 0) count_replay(Next::kEmitted, finished_);
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
    bool is_ending(bool draining) const { return (finished_ && replays_ == 0) || draining; }
    /// The listeners do not know it, and wait for what is pending to be complete.
    bool owes_ending(bool draining) const {
        return is_ending(draining) && ledger_.pending() > 0 && !has_callbacks() && !told_ending_;
    }
    void tell_ending(bool draining);
    /// Nothing of it is on its way, and nothing is to come.
    bool drained(bool draining) const {
        return is_ending(draining) && ledger_.pending() == 0 && !has_callbacks();
    }
    bool has_callbacks() const {
        return completed_told_ < completed_.size() || failed_told_ < failed_.size();
    }
    /// When it must be looked at though nothing arrives.
    base::Micros next_due() const {
        const base::Micros scan = ledger_.pending() == 0 || !timeouts_ ? kNever : next_scan_;
        return scan;
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
    bool has_more() const { return (!finished_ || replays_ > 0) && !ended_ && active_; }
    void count_replay(Next next, bool had_finished) {
        if (next == Next::kIdle) {
            replays_ = 0;
        } else if (had_finished) {
            --replays_;
        }
        renew_limit();
    }
    void renew_limit();
    void call_ack(MessageId message);
    void call_fail(const Failure& failure);
    void add_failure(const worker::Settled& settled, FailReason reason);
    /// How many roots that bolts kept have settled since this was last asked.
    std::uint64_t settled_held();
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
    std::uint32_t held_ = 0;           // As the ledger had it when settled_held() was last asked.
    base::Micros next_scan_ = 0;
    std::unique_ptr<Spout> spout_;
    SpoutCollector collector_;
    bool finished_ = false;
    /// How often fail() was told since next_tuple() last had nothing to emit: so often it is called
    /// after finished(), for replays.
    std::uint64_t replays_ = 0;
    bool active_ = false;
    bool opened_ = false;
    bool told_ending_ = false;          // To the listeners, since the last tracked emit.
    std::vector<MessageId> completed_;  // Whose ack() is to be called.
    std::size_t completed_told_ = 0;
    std::uint64_t completed_now_ = 0;  // Not yet published; all emitted at last_emitted_.
    base::Micros last_emitted_ = 0;
    std::vector<Failure> failed_;
    std::size_t failed_told_ = 0;
    std::vector<worker::Settled> expired_;
};

class SpoutExecutor final : public Executor {
public:
    SpoutExecutor(Engine& engine, std::size_t number);

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
    base::Micros time_ = 0;        // That the spouts were told.
    base::Micros wait_;            // Of an idle spout, before it is asked again; grows.
    base::Micros idle_until_ = 0;  // 0: it is not idle.
    const base::Micros wait_max_;
};

}  // namespace storm::worker

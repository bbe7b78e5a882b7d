// Runs spouts: applies acks and fails to their ledgers, calls back, and asks for tuples while there
// is credit.
//
//     step:  posted calls, acks, timeouts ─► ack()/fail() ─► next_tuple() until a batch is full,
//     200 us are over, credit
//            or topology.max.spout.pending is used up, or it says kIdle
//
// Threads: as Executor.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "worker/acker/ack_ledger.h"
#include "worker/executor/executor.h"

namespace storm::worker {

class SpoutTask final : public Task {
public:
    SpoutTask(Engine& engine, Executor& executor, std::size_t component, TaskId id, int index);

    void open();
    void commit_tracked(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                        MessageId id) override;
    void finished() override { finished_ = true; }

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
    /// Calls ack(), and fail() if `may_emit`, for what apply() did not. Returns whether it called
    /// anything.
    bool call_back(bool may_emit);
    void expire();
    /// All pending trees fail: what they reach is lost.
    void abandon(FailReason reason);
    void set_active(bool active);
    Next next_tuple() {
        try {
            return spout_->next_tuple(collector_);
        } catch (const std::exception& error) {
            report_error(error.what());
        } catch (...) {
            report_error("an exception that is no std::exception");
        }
        return Next::kIdle;  // Gives it time, should it throw each time.
    }
    void close();
    void end();

    bool wants_to_emit() const {
        return !finished_ && !ended_ && active_ && ledger_.pending() < pending_max_;
    }
    /// Nothing of it is on its way, and nothing is to come.
    bool drained(bool draining) const {
        return (finished_ || draining) && ledger_.pending() == 0 && !has_callbacks();
    }
    bool has_callbacks() const { return !completed_.empty() || !failed_.empty(); }
    base::Micros next_scan() const {
        return ledger_.pending() == 0 || !timeouts_ ? kNever : next_scan_;
    }
    /// It is later than the roots of the last calls say: one of them took long.
    void postpone(base::Micros now) {
        if (ledger_.pending() > 0) ledger_.postpone(now_, now);
    }
    void set_time(base::Micros now) {
        now_ = now;
        ledger_.set_time(now);
    }

    LatencyHistogram complete_latency;
    Counter acked;
    Counter failed;

    std::atomic<std::uint64_t> pending{0};

private:
    void call_ack(MessageId message);
    void add_failure(const worker::Settled& settled, FailReason reason);
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
    base::Micros next_scan_ = 0;
    std::unique_ptr<Spout> spout_;
    SpoutCollector collector_;
    bool finished_ = false;
    bool active_ = false;
    bool opened_ = false;
    struct Failure {
        MessageId message;
        FailReason reason;
    };
    std::vector<MessageId> completed_;  // Whose ack() is to be called.
    std::uint64_t completed_now_ = 0;   // Not yet published; all emitted at last_emitted_.
    base::Micros last_emitted_ = 0;
    std::vector<Failure> failed_;
    std::vector<MessageId> calling_;  // The part of completed_ that is being called.
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
    /// Returns whether it called ack().
    bool apply_control();
    /// Calls next_tuple(). Returns whether it can go on at once.
    bool emit(base::Micros now);
    SpoutTask& task(Root root) {
        return *spouts_[static_cast<std::size_t>(task_of(root) - first_task_)];
    }

    const TaskId first_task_;
    std::vector<std::unique_ptr<SpoutTask>> spouts_;
    bool open_ = false;
    std::vector<Task*> tasks_;  // The same.
    std::vector<AckRecord> acks_in_;
    std::size_t merge_at_;
    std::vector<FailRecord> fails_;
    base::Micros time_ = 0;        // That the spouts were told.
    base::Micros wait_;            // Of an idle spout, before it is asked again; grows.
    base::Micros idle_until_ = 0;  // 0: it is not idle.
    const base::Micros wait_max_;
};

}  // namespace storm::worker

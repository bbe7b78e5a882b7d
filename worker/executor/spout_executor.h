// Runs spouts: applies acks and fails to their ledgers, calls back, and asks for tuples while there
// is credit.
//
//     step:  acks ─► ack() ─► timeouts ─► fail() ─► posted calls ─► next_tuple() until a batch is
//            full, 200 us are over, credit, the window or topology.max.spout.pending is used up, or
//            it returns kIdle
//
// ack() and fail() are called even without credit, as long as what they emit stays within
// kLeewayBytes; the rest waits for credit.
//
// Threads: as in Executor.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "worker/acker/ack_lane.h"
#include "worker/executor/executor.h"
#include "worker/executor/spout_task.h"

namespace storm::worker {

class SpoutExecutor final : public Executor {
public:
    SpoutExecutor(Shared& shared, std::size_t number);

    std::span<Task* const> tasks() const override { return tasks_; }
    bool step(base::Micros now) override;
    void close() override;
    void accept(const RunRef& run) override;
    void accept_acks(std::span<const AckRecord> records) override;
    void accept_fails(std::span<const FailRecord> records) override {
        fails_.insert(fails_.end(), records.begin(), records.end());
    }
    base::Micros next_due() const override;
    void leave_batches(std::vector<Batch*>&) override {}  // Spouts have no input.
    void drop_queued() override {}

private:
    void open() override;
    void handle(const PeerEvent& event) override;
    /// Passes a new time on to the spouts. Calls that took long until then do not count against
    /// their roots.
    void advance(base::Micros now);
    /// After each call of user code, before others: whether the step has taken long enough. Output
    /// gets this time from now on.
    bool over() {
        if (!clock_.looks()) [[likely]]
            return false;
        advance(clock_.now());
        return clock_.was_over();
    }
    /// Whether ack() and fail() may be called: there is credit for what they emit, or leeway.
    bool may_call_back();
    /// Whether they may still be called in this step.
    bool goes_on_calling_back();
    /// Returns whether everything that came has been applied.
    bool apply_control();
    /// Calls of user code in a step before it asks for tuples.
    struct Called {
        bool any = false;   // Some were made, or had to be.
        bool more = false;  // More can be made at once.
    };
    /// Timeouts, callbacks and posted calls of one spout.
    void serve(SpoutTask& spout, bool draining, Called& called);
    /// Whether there is credit, and room in the budget; if not, the spouts know it.
    bool may_emit(base::Micros now);
    /// Calls next_tuple(). `draining`: as the step has read it. Returns whether it can go on at
    /// once.
    // Not inlined: within step() its loop lacks registers, which costs const-null 6 %.
    [[gnu::noinline]] bool emit(base::Micros now, bool draining);
    /// The same, and blocked_thread names this thread meanwhile. Out of line, as it is rare.
    [[gnu::noinline]] Next next_tuple_that_may_block(SpoutTask& spout);
    SpoutTask& task(Root root) {
        return *spouts_[static_cast<std::size_t>(task_of(root) - first_task_)];
    }

    const TaskId first_task_;
    std::vector<std::unique_ptr<SpoutTask>> spouts_;
    bool open_ = false;
    std::vector<Task*> tasks_;    // The same spouts.
    std::size_t next_spout_ = 0;  // The next one to emit.
    std::vector<AckRecord> acks_in_;
    std::vector<AckRecord> applying_;  // Taken from `acks_in_`, which ack() may fill again.
    std::size_t applied_ = 0;          // Number of records applied so far.
    base::Micros taken_at_ = 0;        // Acks that came until then are, or were, in `applying_`.
    std::size_t merge_at_;
    std::vector<FailRecord> fails_;
    std::vector<FailRecord> letting_go_;  // Letting-go records among the fails.
    base::Micros time_ = 0;               // The time that the spouts have.
    base::Micros wait_;                   // Pause before an idle spout is asked again; grows.
    base::Micros idle_until_ = 0;         // 0: not idle.
    const base::Micros wait_max_;
};

}  // namespace storm::worker

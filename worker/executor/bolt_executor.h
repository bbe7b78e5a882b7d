// Runs bolts: executes the rows of the runs that wait for it, in order.
//
//     step:  posted calls ─► ticks ─► runs from inside a cycle ─► runs from outside
//            ─► inputs_ended() when nothing new comes ─► finish() when nothing comes at all
//
// User code is never called without credit for what it may emit: credit is checked before each
// call. Every input leaves execute() acked, failed or kept; otherwise it fails as forgotten. A row
// that has waited longer than the spouts of all its roots do is not executed, but fails as timed
// out.
//
// Threads: as in Executor.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "worker/executor/bolt_task.h"
#include "worker/executor/executor.h"
#include "worker/queue/cycle.h"
#include "worker/queue/ring.h"

namespace storm::worker {

class BoltExecutor final : public Executor {
public:
    BoltExecutor(Shared& shared, std::size_t number);

    std::span<Task* const> tasks() const override { return tasks_; }
    bool step(base::Micros now) override;
    void close() override;
    void accept(const RunRef& run) override;
    void accept_acks(std::span<const AckRecord>) override;
    void accept_fails(std::span<const FailRecord>) override;
    base::Micros next_due() const override;
    void leave_batches(std::vector<Batch*>& left) override;
    void drop_queued() override;

private:
    void open() override;
    void handle(const PeerEvent& event) override;
    /// The queue to take the next run from; null: nothing waits, or nothing may be taken now.
    Ring<RunRef>* next_queue();
    /// Each returns whether more of the same can be done at once.
    bool run_posted(base::Micros now);
    bool run_ticks(base::Micros now);
    bool run_inputs(base::Micros now);
    bool interrupted();
    /// Whether the step must end before the next call, to hand over or to wait for credit.
    bool must_pause() { return outbox.interrupted() && interrupted(); }
    /// Whether some of its rows may have timed out.
    bool is_stale(const Batch& batch, base::Micros now) const;
    // Not inlined: its texts would cost the loop over runs registers.
    [[gnu::noinline]] void warn_of_waits(base::Micros age, base::Micros now);
    void end_inputs(base::Micros now);
    /// Whether nothing can come any more that has to precede finish(). REQUIRES: inputs_ended().
    bool may_finish(BoltTask& bolt);
    void end_tasks(base::Micros now);

    const TaskId first_task_;
    std::vector<std::unique_ptr<BoltTask>> bolts_;
    std::vector<Task*> tasks_;  // The same bolts.
    Ring<RunRef> outer_;        // Runs from outside of the cycle; all runs if there is no cycle.
    Ring<RunRef> inner_;
    Cycle* const cycle_;
    base::Micros tick_every_ = 0;
    base::Micros tick_due_ = kNever;
    bool idle_ = true;  // No run waited after the last step.
    base::Micros busy_since_ = 0;
    bool grants_all_ = false;  // Untracked rows from elsewhere were consumed.
    std::size_t ticked_ = 0;   // Number of tasks that have had the present tick.
    std::vector<std::byte> tick_row_;
    base::RateLimit wait_warnings_;
};

}  // namespace storm::worker

// Runs bolts: executes the rows of the runs that wait for it, in order.
//
//     step:  posted calls ─► ticks ─► runs from inside a cycle ─► runs from outside
//            ─► inputs_ended() when nothing new comes ─► finish() when nothing comes at all
//
// No user code is called without credit for what it may emit: before each call it is looked for.
// Every input leaves execute() acked, failed or kept; else it fails as forgotten. A row that has
// waited here for longer than its spout waits is not executed, but fails as timed out.
//
// The life of a task:
//
//                 ┌─────────────── REOPEN, or a source's worker starts anew ───────────────┐
//                 ▼                                                                          │
//     living ──ENDING of all inputs──► inputs_ended() ──EOS of all──► finish() ─► EOS ─► ended
//       ▲                                                                │ EOS of all, no row came
//       └──────────── first row: a new object is prepared ─────────── reopened
//
// Threads: as Executor.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "worker/executor/executor.h"
#include "worker/executor/task.h"
#include "worker/queue/ring.h"

namespace storm::worker {

class BoltTask final : public Task {
public:
    using Schemas = std::vector<std::unique_ptr<detail::StreamSchema>>;

    BoltTask(Shared& shared, Executor& executor, std::size_t component, TaskId id, int index);
    ~BoltTask() override { site_->end(); }  // First: a thread of its bolt may wait in post().

    void prepare();

    void commit_anchored(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                         const Tuple& anchor) override;
    void commit_joined(detail::OutStream& stream, std::size_t bytes, TaskId direct,
                       std::span<const Tuple* const> anchors) override;
    std::size_t union_roots(std::span<const Tuple* const> anchors) override;
    void ack(const Tuple& input) override;
    void fail(const Tuple& input, std::string_view why) override;
    Kept keep(const Tuple& input) override;
    void ack(Kept&& input) override;
    void fail(Kept&& input, std::string_view why) override;
    void reset_timeout(const Tuple& input) override;

    // Those of spouts; BoltCollector does not have them.
    void commit_tracked(detail::OutStream&, std::size_t, TaskId, MessageId) override;
    void finished() override;

    // ---- For BoltExecutor.
    /// Executes rows from `at` on, until `end` or until stop() says so after a row; returns where
    /// it stopped. Rows are the source task's.
    template <typename Stop>
    const std::byte* execute(const std::byte* at, const std::byte* end, TaskId source,
                             const Schemas& schemas, Stop&& stop);
    /// Does not: their trees have timed out. What belongs to no tree is executed all the same.
    template <typename Stop>
    const std::byte* expire(const std::byte* at, const std::byte* end, TaskId source,
                            const Schemas& schemas, Stop&& stop);
    void tick(const std::byte* row, const detail::StreamSchema& schema);
    /// REQUIRES: !has_object(). Takes one control row, or fails tuples up to the next one, which
    /// have come after the end; returns where it stopped.
    const std::byte* take_without_object(const std::byte* at, const std::byte* end, TaskId source);
    /// Fails what was kept and then destroyed.
    void fail_abandoned();
    /// Nothing new will come, as far as its sources know: calls inputs_ended().
    void tell_inputs_ended();
    /// Tells the listeners the same, once what it keeps is settled.
    void pass_ending_on();
    /// All inputs have ended: calls finish(), once in the life of an object.
    void finish();
    void end();
    void close();
    /// Makes the object that a reopened task is without. False: it cannot be prepared.
    bool revive();

    /// Its inputs are acked unless they failed, and `acked` of InputCounters is not counted.
    bool is_basic() const { return is_basic_; }
    bool inputs_ended() const { return open_inputs_ == 0; }
    bool has_finished() const { return finished_; }
    bool has_object() const { return !ended_ && !without_object_; }
    bool takes_ticks() const { return !finished_ && !without_object_; }
    bool ending_is_due() const;
    void executed_from_inside() { executed_since_ending_ = true; }

    Counter expired;  // Rows that had timed out, and were not executed.

    struct InputCounters {
        const detail::StreamSchema* schema = nullptr;
        Counter executed;
        Counter acked;
        Counter failed;
    };
    const std::vector<std::unique_ptr<InputCounters>>& inputs() const { return inputs_; }

private:
    void execute_basic(BasicBolt& bolt, const Tuple& input);
    void execute_rich(Bolt& bolt, const Tuple& input);
    /// What execute() has thrown; the input fails.
    void handle_exception(const Tuple& input);
    void ack_roots(const Tuple& input);
    void note(std::string_view what, const Tuple& input);  // In the journal.
    void fail_as(const Tuple& input, FailReason reason);
    /// It was kept, and is acked.
    void let_go(const Tuple& kept);
    /// Once in its life; nothing if it was acked or failed before.
    void fail_kept(const Tuple& kept, FailReason reason);
    /// Nobody is told of an untracked one: it is lost.
    void count_failed(const Tuple& input);
    void settle_twice(const Tuple& input);
    InputCounters& counters_of(const detail::StreamSchema& schema);
    void end_of_input(TaskId source);
    void ending_of_input(TaskId source);
    void reopen_input(TaskId source);
    void reopen();
    void look_for_ending();
    void call_finish();
    void handle_control(const std::byte* row, TaskId source);
    /// Another task of this component may settle what one keeps; one of another component may not.
    bool is_foreign(const detail::KeptTuple& kept) const;
    void settle_foreign(std::unique_ptr<detail::KeptTuple> kept);
    /// False: the end of the task that keeps it was quicker.
    bool settle(detail::KeptTuple& kept);
    template <typename Call>
    bool guarded(const char* what, Call&& call);

    const bool is_basic_;
    std::unique_ptr<Bolt> rich_;
    std::unique_ptr<BasicBolt> basic_;  // One of the two.
    BoltCollector collector_;
    std::vector<std::unique_ptr<InputCounters>> inputs_;
    std::unordered_map<const detail::StreamSchema*, InputCounters*> inputs_by_schema_;
    InputCounters* last_counters_ = nullptr;
    Cycle* const cycle_;
    std::size_t outside_sources_ = 0;  // Tasks, but for those in the same cycle.
    std::size_t open_inputs_ = 0;      // Of these: whose EOS has not come yet.
    std::set<TaskId> ended_sources_;
    std::set<TaskId> ending_sources_;     // Whose ENDING has come, and no EOS.
    bool ending_due_ = false;             // inputs_ended() is to be called.
    bool owes_ending_ = false;            // It has been; the listeners are to be told.
    bool counted_as_ending_ = false;      // In the cycle's tasks_not_ending.
    std::uint64_t endings_seen_ = 0;      // Of the cycle.
    bool executed_since_ending_ = false;  // Something from inside of the cycle.
    bool finished_ = false;
    bool prepared_ = false;
    bool without_object_ = false;  // Reopen, and no row has come yet.
    std::vector<Root> roots_;      // Of the anchors last given to union_roots(); ascending.
    std::vector<EdgeXor> edges_;
};

class BoltExecutor final : public Executor {
public:
    BoltExecutor(Shared& shared, std::size_t number);

    std::span<Task* const> tasks() const override { return tasks_; }
    bool step(base::Micros now) override;
    void close() override;
    void accept(const RunRef& run) override;
    void accept_acks(std::span<const AckRecord>) override;
    void accept_fail(const FailRecord&) override;
    base::Micros next_due() const override;
    void leave_batches(std::vector<Batch*>& left) override;
    void drop_queued() override;

private:
    void open() override;
    void handle(const PeerEvent& event) override;
    /// The queue to take the next run from; null: none, or none that may be taken now.
    Ring<RunRef>* next_queue();
    /// Each returns whether there is more of it to do at once.
    bool run_posted(base::Micros now);
    bool run_ticks(base::Micros now);
    bool run_inputs(base::Micros now);
    bool interrupted();
    /// Whether the step must end before the next call: to hand over, or to wait for credit.
    bool must_pause() { return outbox.interrupted() && interrupted(); }
    bool is_stale(const Batch& batch, base::Micros now) const;
    void warn_of_waits(base::Micros waited, base::Micros now);
    void end_inputs(base::Micros now);
    void end_tasks(base::Micros now);

    const TaskId first_task_;
    std::vector<std::unique_ptr<BoltTask>> bolts_;
    std::vector<Task*> tasks_;  // The same.
    Ring<RunRef> outer_;        // From outside of the cycle, if there is one.
    Ring<RunRef> inner_;
    Cycle* const cycle_;
    base::Micros tick_every_ = 0;
    base::Micros tick_due_ = kNever;
    std::size_t ticked_ = 0;  // Tasks that have had the tick that is under way.
    std::vector<std::byte> tick_row_;
    const base::Micros
        expire_after_;  // Rows that have waited for so long have timed out; 0: never.
    base::RateLimit wait_warnings_;
};

}  // namespace storm::worker

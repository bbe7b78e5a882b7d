// Runs bolts: executes the rows of the runs that wait for it, in order, while there is credit for
// what they emit.
//
//     step:  posted calls, ticks ─► runs from inside a cycle ─► runs from outside ─► finish() when
//     all inputs have ended
//
// Every input leaves execute() acked, failed or kept; else it fails as forgotten.
//
// Threads: as Executor.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "worker/executor/executor.h"

namespace storm::worker {

class BoltTask final : public Task {
public:
    using Schemas = std::vector<std::unique_ptr<detail::StreamSchema>>;

    BoltTask(Engine& engine, Executor& executor, std::size_t component, TaskId id, int index);

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
    void tick(const std::byte* row, const detail::StreamSchema& schema);
    /// Fails rows that came after this task had ended.
    void discard(const std::byte* at, const std::byte* end);
    /// Fails what was kept and then destroyed.
    void fail_abandoned();
    /// All inputs have ended: calls finish(), once.
    void finish();
    void end();
    void close();

    /// Its `acked` counts all that it executed; what failed is to be subtracted.
    bool is_basic() const { return is_basic_; }
    bool inputs_ended() const { return open_inputs_ == 0; }
    bool has_finished() const { return finished_; }

    struct InputCounters {
        const detail::StreamSchema* schema;
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
    void settle_twice(const Tuple& input);
    InputCounters& counters_of(const detail::StreamSchema& schema);
    void end_of_input(TaskId source);
    void handle_control(const std::byte* row, TaskId source);
    template <typename Call>
    bool guarded(const char* what, Call&& call);

    const bool is_basic_;
    std::unique_ptr<Bolt> rich_;
    std::unique_ptr<BasicBolt> basic_;  // One of the two.
    BoltCollector collector_;
    std::vector<std::unique_ptr<InputCounters>> inputs_;
    InputCounters* last_counters_ = nullptr;
    Cycle* const cycle_;
    std::size_t open_inputs_ =
        0;  // Source tasks whose EOS has not come yet, but for those in the same cycle.
    std::set<TaskId> ended_sources_;
    bool finished_ = false;
    bool prepared_ = false;
    std::vector<Root> roots_;  // Of the anchors last given to union_roots(); ascending.
    std::vector<EdgeXor> edges_;
};

class BoltExecutor final : public Executor {
public:
    BoltExecutor(Engine& engine, std::size_t number);

    std::span<Task* const> tasks() const override { return tasks_; }
    bool step(base::Micros now) override;
    void close() override;
    void accept(const RunRef& run) override;
    void accept_acks(std::span<const AckRecord>) override;
    void accept_fail(const FailRecord&) override;
    base::Micros next_due() const override;
    void leave_batches(std::vector<Batch*>& released) override;
    void drop_queued() override;

private:
    void open() override;
    void handle(const PeerEvent& event) override;
    /// The queue to take the next run from; null: none, or none that may be taken now.
    Ring<RunRef>* next_queue();
    bool run_inputs();
    bool interrupted();
    void tick(base::Micros now);
    void end_tasks();

    const TaskId first_task_;
    std::vector<std::unique_ptr<BoltTask>> bolts_;
    std::vector<Task*> tasks_;  // The same.
    Ring<RunRef> outer_;        // From outside of the cycle, if there is one.
    Ring<RunRef> inner_;
    Cycle* const cycle_;
    base::Micros tick_every_ = 0;
    base::Micros tick_due_ = kNever;
    std::vector<std::byte> tick_row_;
};

}  // namespace storm::worker

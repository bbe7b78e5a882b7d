// One running copy of a bolt: executes rows, emits, acks, keeps, and ends.
//
// Every input leaves execute() acked, failed or kept; otherwise it fails as forgotten.
//
// The life of a task:
//
//                 ┌─────────────── REOPEN, or a source's worker starts anew ───────────────┐
//                 ▼                                                                        │
//     living ──ENDING of all inputs──► inputs_ended() ──EOS of all──► finish() ─► EOS ─► ended
//       ▲                                                                │ EOS of all, no row came
//       └──────────── first row: a new object is prepared ─────────── reopened
//
// Threads: its executor's.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <storm/bolt.h>
#include <storm/detail/tuple_access.h>

#include "base/check.h"
#include "worker/acker/ack_ledger.h"
#include "worker/executor/executor.h"
#include "worker/executor/stats.h"
#include "worker/executor/task.h"
#include "worker/queue/cycle.h"

namespace storm::worker {

class BoltTask final : public Task {
public:
    using Schemas = std::vector<std::unique_ptr<detail::StreamSchema>>;

    BoltTask(Shared& shared, Executor& executor, std::size_t component, TaskId id, int index);
    // First, because a thread of its bolt may be waiting in post().
    ~BoltTask() override { site_->end(); }

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

    // For spouts; BoltCollector does not have them.
    void commit_tracked(detail::OutStream&, std::size_t, TaskId, MessageId) override;
    void finished() override;

    // ---- For BoltExecutor.
    /// Executes rows from `at` up to `end`, or until stop() returns true after a row; returns where
    /// it stopped. The rows come from the task `source`.
    template <typename Stop>
    const std::byte* execute(const std::byte* at, const std::byte* end, TaskId source,
                             const Schemas& schemas, Stop&& stop);
    /// The same for old rows: those for which timed_out(row) is true fail, because all their trees
    /// have timed out; the others are executed.
    template <typename TimedOut, typename Stop>
    const std::byte* expire(const std::byte* at, const std::byte* end, TaskId source,
                            const Schemas& schemas, TimedOut&& timed_out, Stop&& stop);
    void tick(const std::byte* row, const detail::StreamSchema& schema);
    /// REQUIRES: !has_object(). Takes one control row, or fails the tuples before the next one,
    /// which came after the end; returns where it stopped.
    const std::byte* take_without_object(const std::byte* at, const std::byte* end, TaskId source);
    /// Fails tuples that were kept and then destroyed.
    void fail_abandoned();
    /// Nothing new will come, as far as the sources know: calls inputs_ended().
    void tell_inputs_ended();
    /// Passes that on to the listeners, once everything that it keeps is settled.
    void pass_ending_on();
    /// All inputs have ended: calls finish(), once per object.
    void finish();
    void end();
    void close();
    /// Makes a new object for a reopened task. False: it cannot be prepared.
    bool revive();

    /// Its inputs are acked unless they failed, and InputCounters::acked is not counted.
    bool is_basic() const { return is_basic_; }
    bool inputs_ended() const { return open_inputs_ == 0; }
    /// It was told inputs_ended(), and keeps tuples that hold up the end. From any thread.
    bool owes_ending() const { return owes_ending_.load(std::memory_order_relaxed); }
    bool has_finished() const { return finished_; }
    bool has_object() const { return !ended_ && !without_object_; }
    bool takes_ticks() const { return !finished_ && !without_object_; }
    bool ending_is_due() const;
    void executed_from_inside() {
        executed_since_ending_ = true;
        accept_posts();  // Calls that its rows have posted count, too.
    }

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
    /// Fails the input, and reports the exception of execute() unless that says it all.
    void handle_exception(const Tuple& input);
    void ack_roots(const Tuple& input);
    void note(std::string_view what, const Tuple& input);  // Writes to the journal.
    void fail_as(const Tuple& input, FailReason reason);
    /// A kept tuple is acked.
    void let_go(const Tuple& kept);
    /// Takes effect once, and not if the tuple was acked or failed before.
    void fail_kept(const Tuple& kept, FailReason reason);
    /// Counts an untracked tuple as lost, because nobody is told of its failure.
    void count_failed(const Tuple& input);
    /// Fails an input that execute() has neither acked, failed nor kept.
    void forget(const Tuple& input);
    InputCounters& counters_of(const detail::StreamSchema& schema);
    /// Null: not an input of this bolt, but a tuple that user code has got from another one.
    InputCounters* counters_or_none(const detail::StreamSchema& schema);
    /// The same, without a look at the last ones; they are these from now on.
    InputCounters* look_up_counters(const detail::StreamSchema& schema);
    void end_of_input(TaskId source);
    void ending_of_input(TaskId source);
    /// Its tuples come again, or have come again, and then its ENDING does.
    void await_ending_anew(TaskId source);
    void reopen_input(TaskId source);
    void reopen();
    void look_for_ending();
    void call_finish();
    void handle_control(const std::byte* row, TaskId source);
    /// A task may settle tuples that other tasks of its component keep, but not those of other
    /// components.
    bool is_foreign(const detail::KeptTuple& kept) const;
    void settle_foreign(std::unique_ptr<detail::KeptTuple> kept);
    /// False: the task that keeps it has ended before.
    bool settle(detail::KeptTuple& kept);
    template <typename Call>
    bool guarded(const char* what, Call&& call);

    const bool is_basic_;
    std::unique_ptr<Bolt> rich_;
    std::unique_ptr<BasicBolt> basic_;  // Null if `rich_` is set.
    BoltCollector collector_;
    std::vector<std::unique_ptr<InputCounters>> inputs_;
    std::unordered_map<const detail::StreamSchema*, InputCounters*> inputs_by_schema_;
    InputCounters* last_counters_ = nullptr;
    Cycle* const cycle_;
    std::size_t outside_sources_ = 0;  // Source tasks outside of the cycle.
    std::size_t open_inputs_ = 0;      // Those whose EOS has not come yet.
    std::set<TaskId> ended_sources_;
    std::set<TaskId> ending_sources_;       // Sources whose ENDING has come, but no EOS.
    bool ending_due_ = false;               // inputs_ended() has to be called.
    std::atomic<bool> owes_ending_{false};  // It was called; the listeners have to be told.
    bool counted_as_ending_ = false;        // In the cycle's tasks_not_ending.
    std::uint64_t endings_seen_ = 0;        // Last seen value of the cycle's `endings`.
    bool executed_since_ending_ = false;    // Rows from inside of the cycle.
    bool inputs_since_ended_ = true;        // Since inputs_ended() was last called.
    bool finished_ = false;
    bool prepared_ = false;
    bool without_object_ = false;  // Reopened, and no row has come yet.
    std::vector<Root> roots_;      // Roots of the anchors last given to union_roots(); ascending.
    std::vector<EdgeXor> edges_;
};

// ---- Inline: once per row -----------------------------------------------------------------------

inline BoltTask::InputCounters* BoltTask::counters_or_none(const detail::StreamSchema& schema) {
    if (last_counters_ != nullptr && last_counters_->schema == &schema) [[likely]]
        return last_counters_;
    return look_up_counters(schema);
}

inline BoltTask::InputCounters& BoltTask::counters_of(const detail::StreamSchema& schema) {
    InputCounters* const counters = counters_or_none(schema);
    STORM_CHECK(counters != nullptr, "rows come from streams that are subscribed to");
    return *counters;
}

[[gnu::always_inline]] inline void BoltTask::ack_roots(const Tuple& input) {
    if (journal_ != nullptr) [[unlikely]]
        note("bolt_ack", input);
    const std::byte* const row = detail::TupleAccess::row(input);
    const std::uint64_t emitted = detail::TupleAccess::emitted_edges(input);
    const std::uint32_t count = detail::row_anchor_count(row);
    for (std::uint32_t i = 0; i < count; ++i) {
        const detail::Anchor anchor = detail::row_anchor(row, i);
        acks_.ack(anchor.root, anchor.edge ^ emitted);
    }
}

// Inlined into the loop over the rows, whatever else stands there: a call costs 3 % of a tuple.
[[gnu::always_inline]] inline void BoltTask::execute_basic(BasicBolt& bolt, const Tuple& input) {
    BasicCollector collector(*this, &input, default_stream());
    try {
        bolt.execute(input, collector);
    } catch (...) {
        return handle_exception(input);
    }
    // If an emit overflowed, the roots have failed already, and this ack has no effect.
    ack_roots(input);
}

inline void BoltTask::execute_rich(Bolt& bolt, const Tuple& input) {
    try {
        bolt.execute(input, collector_);
    } catch (...) {
        return handle_exception(input);
    }
    if (detail::TupleAccess::settled(input) != detail::Settled::kOpen || input.is_tick()) [[likely]]
        return;
    forget(input);
}

template <typename Stop>
const std::byte* BoltTask::execute(const std::byte* at, const std::byte* end, TaskId source,
                                   const Schemas& schemas, Stop&& stop) {
    enter();
    const detail::StreamSchema* schema = nullptr;
    InputCounters* counters = nullptr;
    std::uint32_t stream = ~0U;
    while (at != end) {
        const std::size_t bytes = detail::row_bytes(at);
        if ((detail::row_flags(at) & detail::kRowControl) != 0) [[unlikely]] {
            handle_control(at, source);
            if (!has_object()) return at + bytes;  // It was reopened: a new object gets the rest.
        } else {
            if (detail::row_stream(at) != stream) [[unlikely]] {
                // Once in a run, mostly.
                inputs_since_ended_ = true;
                if (!ending_sources_.empty() && detail::row_anchor_count(at) > 0) [[unlikely]]
                    await_ending_anew(source);
                stream = detail::row_stream(at);
                schema = schemas[stream].get();
                counters = &counters_of(*schema);
            }
            const Tuple tuple =
                detail::TupleAccess::make(at, detail::row_offsets_at(at), *schema, source);
            if (journal_ != nullptr) [[unlikely]]
                note("execute", tuple);
            // Counted one by one, because the next call may never return.
            if (basic_ != nullptr) {
                execute_basic(*basic_, tuple);
            } else {
                execute_rich(*rich_, tuple);
            }
            counters->executed.add();
        }
        at += bytes;
        if (stop()) break;
    }
    return at;
}

template <typename TimedOut, typename Stop>
const std::byte* BoltTask::expire(const std::byte* at, const std::byte* end, TaskId source,
                                  const Schemas& schemas, TimedOut&& timed_out, Stop&& stop) {
    while (at != end) {
        const std::byte* const next = at + detail::row_bytes(at);
        if (!timed_out(at)) {
            execute(at, next, source, schemas, [] { return true; });
            if (stop() || !has_object()) return next;
        } else {
            expired.add();
            // Their spouts have long given up; or a timeout was reset, and that tree fails now.
            const std::uint32_t anchors = detail::row_anchor_count(at);
            for (std::uint32_t i = 0; i < anchors; ++i)
                acks_.fail(detail::row_anchor(at, i).root, FailReason::kTimedOut);
        }
        at = next;
    }
    return at;
}

}  // namespace storm::worker

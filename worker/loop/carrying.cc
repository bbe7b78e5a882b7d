// The part of a loop that carries: the output of executors to its destinations, and arrivals to the
// executors that they are for, here or in an annex.

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "base/check.h"
#include "wire/batch.h"
#include "worker/loop/loop.h"

namespace storm::worker {

// Works with this loop's pool, so it runs outside of user code, or for an executor that has the
// loop for itself: dedicated, or in an annex.
void Loop::hand_over(Executor& executor, bool all_acks) {
    for (const Outbox::Closed& closed : executor.outbox.closed()) {
        sent_something_ = true;
        const bool one_source = executor.tasks().size() == 1;
        // A fields grouping leaves runs of one row each; the receiver pays per run.
        if (one_source && Regroup::worth_while(closed.runs, closed.rows)) {
            Batch* const regrouped = regroup_.apply(*closed.batch, pool_);
            pool_.give(closed.batch);
            carry(executor, regrouped, closed.destination, true);
        } else {
            carry(executor, closed.batch, closed.destination, false);
        }
    }
    executor.outbox.handed_over();
    send_acks(executor, all_acks);
}

// From here on the batch counts in bytes_in_flight: until release(), or Outbound::free() if it
// leaves for another worker. What an open lane still holds counts nowhere; Outbox bounds it.
//
// The token is the executor's, and goes with it from thread to thread. So its rows arrive at each
// destination in the order in which it emitted them, also while it moves to an annex and back.
void Loop::carry(Executor& executor, Batch* batch, std::uint32_t number, bool copied) {
    batch->born = executor.output_born;
    shared_.pool.bytes_in_flight.fetch_add(batch->used, std::memory_order_relaxed);
    if (number == number_) return dispatch(batch);
    Entrance& target = shared_.entrance(number);
    // A link's thread reads the batch only once, so a nearly full one is not worth a copy.
    const bool elsewhere = number >= shared_.wiring.first_peer();
    if (!copied && !(elsewhere && batch->used > kBatchBytes / 2)) {
        // The bytes are in this core's cache, where they were just written; the copy moves them in
        // one go.
        Batch* const copy = pool_.copy(*batch);
        pool_.give(batch);
        batch = copy;
    }
    target.batches.push(executor.entry.token(target, number), batch);
    target.notify();
}

void Loop::send_acks(Executor& executor, bool all) {
    for (const std::uint32_t number : shared_.wiring.control_destinations) {
        ControlBatch& acks = executor.acks.by_destination()[number];
        if (acks.empty()) continue;
        sent_something_ = true;
        if (number == number_) {
            dispatch(acks);
            // Credit never waits: a sender in another worker may stand still until it comes.
        } else if (all || acks.acks.size() >= kAckBatch || !acks.credits.empty()) {
            send(acks, shared_.entrance(number));
        }
    }
}

void Loop::send(ControlBatch& control_batch, Entrance& target) {
    ControlBatch* const sent = shared_.controls.take();
    std::swap(*sent, control_batch);
    target.control.push(sent);
    target.notify();
}

void Loop::dispatch(Batch* batch) {
    if (batch->returning != nullptr) [[unlikely]]
        return take_back(batch);
    std::byte* const bytes = batch->bytes();
    batch->open_runs = 0;
    // Links do not know how old a peer's rows are, so their age counts from now.
    if (batch->born == 0) batch->born = turn_;
    for (std::uint32_t at = 0; at < batch->used;) {
        const wire::RunHeader run = wire::read_run_header(bytes + at);
        STORM_CHECK(sizeof(wire::RunHeader) + run.bytes <= batch->used - at,
                    "runs are written here, or checked when they come in");
        Executor& executor = shared_.executor_of(static_cast<TaskId>(run.target_task));
        if (here(executor)) [[likely]] {
            ++batch->open_runs;
            executor.accept({batch, at, at + static_cast<std::uint32_t>(sizeof(wire::RunHeader))});
            mark_ready(executor);
        } else {
            forward(bytes + at, batch->born, executor);
        }
        at += static_cast<std::uint32_t>(sizeof(wire::RunHeader)) + run.bytes;
    }
    // Everything was forwarded, so nobody here will release it.
    if (batch->open_runs == 0) {
        batch->open_runs = 1;
        release(batch);
    }
}

// A copy, because the batch goes back to this loop's pool, and its count of open runs is no atomic.
void Loop::forward(const std::byte* run, base::Micros born, Executor& executor) {
    const std::size_t bytes = sizeof(wire::RunHeader) + wire::read_run_header(run).bytes;
    Batch* const copy = make_batch(bytes);
    std::memcpy(copy->bytes(), run, bytes);
    copy->used = static_cast<std::uint32_t>(bytes);
    copy->born = born;
    shared_.pool.bytes_in_flight.fetch_add(copy->used, std::memory_order_relaxed);
    Loop& annex = loop_of(executor);
    annex.batches.push(*annex.forward_token_, copy);
    annex.notify();
}

// Records of one spout task are mostly neighbours, so that its executor gets them in few spans: a
// root id begins with its task, and merged records are sorted by root.
void Loop::dispatch(ControlBatch& arrived) {
    const std::vector<AckRecord>& acks = arrived.acks;
    for (std::size_t i = 0; i < acks.size();) {
        const TaskId task = task_of(acks[i].root);
        std::size_t end = i + 1;
        while (end < acks.size() && task_of(acks[end].root) == task) ++end;
        Executor& executor = shared_.executor_of(task);
        if (here(executor)) [[likely]] {
            executor.accept_acks({acks.data() + i, end - i});
            mark_ready(executor);
        } else {
            ControlBatch part;
            part.acks.assign(acks.begin() + static_cast<std::ptrdiff_t>(i),
                             acks.begin() + static_cast<std::ptrdiff_t>(end));
            forward(part, executor);
        }
        i = end;
    }
    const std::vector<FailRecord>& fails = arrived.fails;
    for (std::size_t i = 0; i < fails.size();) {
        const TaskId task = task_of(fails[i].root);
        std::size_t end = i + 1;
        while (end < fails.size() && task_of(fails[end].root) == task) ++end;
        Executor& executor = shared_.executor_of(task);
        const std::span<const FailRecord> part(fails.data() + i, end - i);
        if (here(executor)) {
            executor.accept_fails(part);
            mark_ready(executor);
        } else {
            ControlBatch forwarded;
            forwarded.fails.assign(part.begin(), part.end());
            forward(forwarded, executor);
        }
        i = end;
    }
    for (const PeerEvent& event : arrived.peer_events) {
        if (here(*event.executor)) {
            event.executor->accept_peer_event(event);
            mark_ready(*event.executor);
        } else {
            ControlBatch part;
            part.peer_events.push_back(event);
            forward(part, *event.executor);
        }
    }
    for (Executor* const executor : arrived.resumed) mark_ready(*executor);
    for (Batch* const batch : arrived.released) release(batch);
    arrived.clear();
}

void Loop::forward(ControlBatch& part, Executor& executor) {
    send(part, loop_of(executor));
}

// Runs of a batch may be released in any order, by several executors, but only by the thread
// that runs the loop which dispatched it. An annex sends them back for this: see adopt().
void Loop::release(Batch* batch) {
    STORM_CHECK(batch->open_runs > 0, "each run is released once");
    if (--batch->open_runs > 0) return;
    shared_.pool.bytes_in_flight.fetch_sub(batch->used, std::memory_order_relaxed);
    pool_.give(batch);
}

}  // namespace storm::worker

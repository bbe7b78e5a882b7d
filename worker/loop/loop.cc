#include "worker/loop/loop.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/thread.h"
#include "base/thread_activity.h"
#include "wire/batch.h"
#include "worker/engine.h"
#include "worker/loop/this_thread.h"

namespace storm::worker {

Loop::Loop(Engine& engine, std::uint32_t number, bool shared)
    : engine_(engine), number_(number), shared_(shared), pool_(engine.common_pool()) {}

void Loop::add(Executor& executor) {
    executors_.push_back(&executor);
    executor.loop.store(this, std::memory_order_release);
    executor.dedicated = !shared_;
    executor.prompt = engine_.wiring().topology.components()[executor.component()].blocking;
    watched_.store(executors_.size() > 1, std::memory_order_relaxed);
}

// ---- From any thread ---------------------------------------------------------------------------

void Loop::resume(Executor& executor) {
    Executor* head = resumed_.load(std::memory_order_relaxed);
    do {
        executor.next_resumed = head;
    } while (!resumed_.compare_exchange_weak(head, &executor, std::memory_order_release,
                                             std::memory_order_relaxed));
    notify();
}

Executor* Loop::take_over(std::uint64_t word, Loop& annex) {
    if (!step_word_.compare_exchange_strong(word, word + 1, std::memory_order_acq_rel))
        return nullptr;
    // All but the executor's own state is ours now.
    Executor& slow = *std::exchange(stepping_, nullptr);
    steps_ = (word + 1) / 2;
    std::erase(executors_, &slow);
    watched_.store(executors_.size() > 1, std::memory_order_relaxed);
    annex.executors_.push_back(&slow);
    annex.spouts_open_ = true;
    slow.loop.store(&annex, std::memory_order_release);  // What its thread waits for.
    return &slow;
}

// ---- Running -----------------------------------------------------------------------------------

void Loop::run() {
    this_thread_runs_executors = true;
    for (Executor* const executor : executors_) {
        if (executor->is_spout || stopping()) continue;
        if (const auto thrown = executor->try_open()) engine_.fail("cannot prepare " + *thrown);
        mark_ready(*executor);  // It may have emitted.
    }
    for (Executor* const executor : executors_) set_timer(*executor);
    engine_.loop_prepared();
    run_turns();
}

void Loop::run_taken_over() {
    run_turns();
}

void Loop::open_spouts() {
    spouts_open_ = true;
    for (Executor* const executor : executors_) {
        if (!executor->is_spout || stopping()) continue;
        if (const auto thrown = executor->try_open()) {
            engine_.fail("cannot open " + *thrown);
            return;
        }
        mark_ready(*executor);
    }
}

void Loop::run_turns() {
    this_thread_runs_executors = true;
    thread_.store(base::thread_number(), std::memory_order_release);
    while (!stopping()) {
        if (!spouts_open_ && engine_.prepared()) {
            open_spouts();
            continue;
        }
        const base::Micros now = turn_ = engine_.clock().now();
        take_arrivals();
        fire_timers(now);
        if (ready_.empty() && ready_spouts_.empty() && running_next_ == running_.size()) {
            idle(now);
            continue;
        }
        if (running_next_ == running_.size()) {
            running_.clear();
            running_next_ = 0;
            running_.swap(ready_);
            // What is on its way goes first: it is in cache, and done sooner.
            if (running_.empty() || ++turns_without_spouts_ >= kTurnsWithoutSpoutsMax) {
                running_.insert(running_.end(), ready_spouts_.begin(), ready_spouts_.end());
                ready_spouts_.clear();
                turns_without_spouts_ = 0;
            }
        }
        while (running_next_ < running_.size() && !stopping()) {
            Executor& executor = *running_[running_next_++];
            if (step(executor, engine_.clock().now())) continue;
            // Taken over: this loop is another thread's now, and ours is the annex.
            Loop* own = executor.loop.load(std::memory_order_acquire);
            while (own == this) {
                base::yield();
                own = executor.loop.load(std::memory_order_acquire);
            }
            own->adopt(executor, *this);
            own->run_turns();
            return;
        }
    }
    close();
}

bool Loop::stopping() const {
    return engine_.stopping() || engine_.halted();
}

bool Loop::step(Executor& executor, base::Micros now) {
    executor.ready = false;
    if (executor.emits) executor.outbox.stock(pool_);
    if (!shared_) {
        finish_step(executor, now, executor.step(now));
        return true;
    }
    stepping_ = &executor;
    executor.step_loop = this;
    const std::uint64_t word = 2 * ++steps_ + 1;
    step_word_.store(word, std::memory_order_release);
    const bool more = executor.step(now);
    std::uint64_t expected = word;
    if (!step_word_.compare_exchange_strong(expected, word + 1, std::memory_order_acq_rel))
        return false;
    finish_step(executor, now, more);
    return true;
}

void Loop::finish_step(Executor& executor, base::Micros now, bool more) {
    const bool old =
        executor.oldest_output != kNever && now - executor.oldest_output >= kFlushMicros;
    const bool flush = !more || old || executor.prompt;
    if (flush) {
        executor.outbox.close_all();
        executor.oldest_output = kNever;
    } else if (executor.oldest_output == kNever) {
        executor.oldest_output = now;
    }
    hand_over(executor, flush);
    for (Batch* const batch : executor.released()) release(batch);
    executor.released().clear();
    if (executor.emits) executor.outbox.unstock(pool_);
    if (more) mark_ready(executor);
    set_timer(executor);
}

void Loop::adopt(Executor& executor, Loop& home) {
    ControlBatch* const left = engine_.take_control();
    executor.leave_batches(left->released);
    home.control.push(left);
    home.notify();
    executor.dedicated = true;
    executor.prompt = true;
    executor.timer_due = kNever;  // Its entry is in the heap of its home.
    finish_step(executor, engine_.clock().now(), true);
}

void Loop::close() {
    for (Executor* const executor : executors_) executor->close();
}

void Loop::drop_queued() {
    for (Executor* const executor : executors_) {
        executor->drop_queued();
        for (Batch* const batch : executor->released()) release(batch);
        executor->released().clear();
    }
    control.take_all([this](ControlBatch* arrived) {
        for (Batch* const batch : arrived->released) release(batch);
        delete arrived;
    });
    batches.take_all([this](Batch* batch) { pool_.give(batch); });
}

// ---- Sleeping ----------------------------------------------------------------------------------

bool Loop::has_arrivals() const {
    return !control.empty() || !batches.empty() ||
           resumed_.load(std::memory_order_acquire) != nullptr || stopping() ||
           (!spouts_open_ && engine_.prepared());
}

void Loop::idle(base::Micros now) {
    // Answers tend to come soon; but who only polls has nothing to wait for.
    for (int i = 0; i < kYields && sent_something_; ++i) {
        if (has_arrivals()) return;
        base::yield();
    }
    sent_something_ = false;
    base::Micros timeout = base::EventCount::kForever;
    while (!timers_.empty()) {
        const TimerEntry& next = timers_.top();
        if (here(*next.executor) && next.executor->timer_due == next.due) {
            timeout = next.due - now;
            break;
        }
        timers_.pop();
    }
    if (timeout != base::EventCount::kForever && timeout <= 0) return;
    const base::EventCount::Ticket ticket = sleep_.prepare_wait();
    if (has_arrivals()) {
        sleep_.cancel_wait(ticket);
        return;
    }
    sleep_.wait(ticket, timeout);
    engine_.watch().stir();
}

void Loop::take_arrivals() {
    control.take_all([this](ControlBatch* arrived) {
        dispatch(*arrived);
        engine_.give_control(arrived);
    });
    batches.take_all([this](Batch* batch) { dispatch(batch); });
    if (resumed_.load(std::memory_order_relaxed) == nullptr) return;
    Executor* executor = resumed_.exchange(nullptr, std::memory_order_acquire);
    while (executor != nullptr) {
        Executor* const next = executor->next_resumed;
        executor->resumed.exchange(false, std::memory_order_acq_rel);
        if (here(*executor)) {
            if (!executor->is_spout || spouts_open_) mark_ready(*executor);
        } else {
            engine_.resume(*executor);
        }
        executor = next;
    }
}

void Loop::fire_timers(base::Micros now) {
    while (!timers_.empty() && timers_.top().due <= now) {
        const TimerEntry due = timers_.top();
        timers_.pop();
        if (!here(*due.executor) || due.executor->timer_due != due.due) continue;
        due.executor->timer_due = kNever;
        mark_ready(*due.executor);
    }
}

void Loop::set_timer(Executor& executor) {
    const base::Micros due = executor.next_due();
    if (due == executor.timer_due) return;
    executor.timer_due = due;
    if (due != kNever) timers_.push({due, &executor});
}

void Loop::mark_ready(Executor& executor) {
    if (executor.ready) return;
    // Other workers may have something to tell it before; open_spouts() sees to that.
    if (executor.is_spout && !spouts_open_) return;
    executor.ready = true;
    (executor.is_spout ? ready_spouts_ : ready_).push_back(&executor);
}

// ---- Carrying ----------------------------------------------------------------------------------

void Loop::hand_over(Executor& executor, bool all_acks) {
    for (const Outbox::Closed& closed : executor.outbox.closed()) {
        sent_something_ = true;
        const bool one_source = executor.tasks().size() == 1;
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

void Loop::carry(Executor& executor, Batch* batch, std::uint32_t number, bool copied) {
    batch->born = executor.output_born;
    engine_.common_pool().bytes_in_flight.fetch_add(batch->used, std::memory_order_relaxed);
    if (number == number_) return dispatch(batch);
    Entrance& target = engine_.entrance(number);
    // To another worker, the link's thread reads it once; a full one need not be copied for that.
    const bool elsewhere = number >= engine_.wiring().first_peer();
    if (!copied && !(elsewhere && batch->used > kBatchBytes / 2)) {
        // The bytes were written while they were in this core's cache; one copy moves them all.
        Batch* const copy = pool_.copy(*batch);
        pool_.give(batch);
        batch = copy;
    }
    target.batches.push(executor.token(target, number), batch);
    target.notify();
}

void Loop::send_acks(Executor& executor, bool all) {
    for (const std::uint32_t number : engine_.wiring().control_destinations) {
        ControlBatch& acks = executor.acks.by_destination()[number];
        if (acks.empty()) continue;
        sent_something_ = true;
        if (number == number_) {
            dispatch(acks);
        } else if (all || acks.acks.size() >= kAckBatch || !acks.credits.empty()) {
            send(acks, engine_.entrance(number));
        }
    }
}

void Loop::send(ControlBatch& control_batch, Entrance& target) {
    ControlBatch* const sent = engine_.take_control();
    std::swap(*sent, control_batch);
    target.control.push(sent);
    target.notify();
}

void Loop::dispatch(Batch* batch) {
    std::byte* const bytes = batch->bytes();
    batch->open_runs = 0;
    if (batch->born == 0) batch->born = turn_;
    for (std::uint32_t at = 0; at < batch->used;) {
        const wire::RunHeader run = wire::read_run_header(bytes + at);
        Executor& executor = engine_.executor_of(static_cast<TaskId>(run.target_task));
        if (here(executor)) [[likely]] {
            ++batch->open_runs;
            executor.accept({batch, at, at + static_cast<std::uint32_t>(sizeof(wire::RunHeader))});
            mark_ready(executor);
        } else {
            forward(bytes + at, batch->born, executor);
        }
        at += static_cast<std::uint32_t>(sizeof(wire::RunHeader)) + run.bytes;
    }
    if (batch->open_runs == 0) {
        batch->open_runs = 1;
        release(batch);
    }
}

void Loop::forward(const std::byte* run, base::Micros born, Executor& executor) {
    const std::size_t bytes = sizeof(wire::RunHeader) + wire::read_run_header(run).bytes;
    Batch* const copy = make_batch(bytes);
    std::memcpy(copy->bytes(), run, bytes);
    copy->used = static_cast<std::uint32_t>(bytes);
    copy->born = born;
    engine_.common_pool().bytes_in_flight.fetch_add(copy->used, std::memory_order_relaxed);
    Loop& annex = *executor.loop.load(std::memory_order_acquire);
    annex.batches.push(executor.forward_token(annex), copy);
    annex.notify();
}

void Loop::dispatch(ControlBatch& arrived) {
    const std::vector<AckRecord>& acks = arrived.acks;
    for (std::size_t i = 0; i < acks.size();) {
        const TaskId task = task_of(acks[i].root);
        std::size_t end = i + 1;
        while (end < acks.size() && task_of(acks[end].root) == task) ++end;
        Executor& executor = engine_.executor_of(task);
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
    for (const FailRecord& fail : arrived.fails) {
        Executor& executor = engine_.executor_of(task_of(fail.root));
        if (here(executor)) {
            executor.accept_fail(fail);
            mark_ready(executor);
        } else {
            ControlBatch part;
            part.fails.push_back(fail);
            forward(part, executor);
        }
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
    for (Batch* const batch : arrived.released) release(batch);
    arrived.clear();
}

void Loop::forward(ControlBatch& part, Executor& executor) {
    send(part, *executor.loop.load(std::memory_order_acquire));
}

void Loop::release(Batch* batch) {
    if (--batch->open_runs > 0) return;
    engine_.common_pool().bytes_in_flight.fetch_sub(batch->used, std::memory_order_relaxed);
    pool_.give(batch);
}

}  // namespace storm::worker

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
#include "worker/executor/running.h"
#include "worker/executor/this_thread.h"

namespace storm::worker {

Loop::Loop(Engine& engine, std::uint32_t number, bool shared)
    : engine_(engine), number_(number), shared_(shared), pool_(engine.common_pool()) {
    if (number == kAnnex) forward_token_ = std::make_unique<Inbox<Batch>::Token>(batches.token());
}

void Loop::add(Executor& executor) {
    executors_.push_back(&executor);
    ++residents_;
    executor.home = this;
    executor.loop.store(this, std::memory_order_release);
    executor.dedicated = !shared_;
    executor.prompt = engine_.wiring().topology.components()[executor.component()].blocking;
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
    Executor& slow = *in_user_code_.exchange(nullptr, std::memory_order_relaxed);
    steps_ = (word + 1) / 2;
    std::erase(executors_, &slow);
    timers_.remove(slow);
    annex.executors_.push_back(&slow);
    annex.begun_ = begun_;
    annex.home_ = this;
    annex.in_user_code_.store(&slow, std::memory_order_relaxed);
    slow.loop.store(&annex, std::memory_order_release);  // What its thread waits for.
    return &slow;
}

bool Loop::detach(Executor& executor) {
    const auto is_here = [&] { return here(executor); };
    if (is_here() && !stopping()) {
        const Engine::TakeOut out = engine_.take_out(*this, executor.step_word);
        if (out == Engine::TakeOut::kNoThread && is_here()) return false;
        // The stall watch was quicker: this call has taken long.
        if (out != Engine::TakeOut::kDone) executor.prompt = true;
    }
    if (is_here() && stopping()) return false;
    while (is_here()) base::yield();
    executor.dedicated = true;
    return true;
}

// ---- Running -----------------------------------------------------------------------------------

void Loop::run() {
    this_thread_runs_executors = true;
    for (Executor* const executor : executors_) mark_ready(*executor);
    run_turns();
}

void Loop::run_turns() {
    this_thread_runs_executors = true;
    thread_.store(base::thread_number(), std::memory_order_release);
    while (!stopping()) {
        if (!begun_ && engine_.prepared()) begin();
        const base::Micros now = turn_ = engine_.clock().now();
        if (home_ != nullptr && calm(now)) return send_home();
        take_arrivals();
        fire_timers(now);
        if (ready_.empty() && ready_spouts_.empty() && running_next_ == running_.size()) {
            idle(now);
            continue;
        }
        if (running_next_ == running_.size()) choose_running();
        while (running_next_ < running_.size() && !stopping()) {
            Executor& executor = *running_[running_next_++];
            const bool opens = !executor.opened;
            if (!step(executor, engine_.clock().now())) return go_on_in_annex(executor, opens);
        }
    }
    close();
}

void Loop::choose_running() {
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

void Loop::go_on_in_annex(Executor& executor, bool opened) {
    // Nothing of this loop is ours any more.
    while (here(executor)) base::yield();
    Loop& annex = *executor.loop.load(std::memory_order_acquire);
    annex.adopt(executor, opened);
    // It was slow, but this was its only call of that kind.
    if (opened && !annex.stopping()) return annex.send_home();
    annex.run_turns();
}

void Loop::begin() {
    begun_ = true;
    for (Executor* const executor : executors_) mark_ready(*executor);
}

bool Loop::stopping() const {
    return engine_.stopping() || engine_.halted();
}

bool Loop::step(Executor& executor, base::Micros now) {
    executor.ready = false;
    if (executor.emits) executor.outbox.stock(pool_);
    if (home_ != nullptr) note_use(now);
    in_user_code_.store(&executor, std::memory_order_release);
    if (!shared_) {
        const bool more = call(executor, now);
        in_user_code_.store(nullptr, std::memory_order_relaxed);
        finish_step(executor, now, more);
        return true;
    }
    executor.step_loop = this;
    const std::uint64_t word = 2 * ++steps_ + 1;
    executor.step_word = word;
    step_word_.store(word, std::memory_order_release);
    const bool more = call(executor, now);
    std::uint64_t expected = word;
    if (!step_word_.compare_exchange_strong(expected, word + 1, std::memory_order_acq_rel))
        return false;
    in_user_code_.store(nullptr, std::memory_order_relaxed);
    finish_step(executor, now, more);
    return true;
}

bool Loop::call(Executor& executor, base::Micros now) {
    const RunningHere running(executor);
    if (executor.opened) [[likely]]
        return executor.step(now);
    return open(executor);
}

// The loop may be another thread's when user code returns.
bool Loop::open(Executor& executor) {
    executor.opening_since.store(engine_.clock().now(), std::memory_order_relaxed);
    const auto thrown = executor.try_open();
    executor.opening_since.store(0, std::memory_order_relaxed);
    if (thrown) {
        engine_.fail((executor.is_spout ? "cannot open " : "cannot prepare ") + *thrown);
        return false;
    }
    executor.opened = true;
    engine_.executor_opened(executor);
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

void Loop::close() {
    for (Executor* const executor : executors_) {
        in_user_code_.store(executor, std::memory_order_release);
        const RunningHere running(*executor);
        executor->close();
        in_user_code_.store(nullptr, std::memory_order_relaxed);
    }
    asleep_.store(true, std::memory_order_release);
}

void Loop::drop_queued(Executor& executor) {
    executor.drop_queued();
    for (Batch* const batch : executor.released()) release(batch);
    executor.released().clear();
}

void Loop::drop_queued() {
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
           (!begun_ && engine_.prepared());
}

void Loop::idle(base::Micros now) {
    // Answers tend to come soon; but who only polls has nothing to wait for. And where there is
    // more to do than cores, one yield may take longer than a wake-up.
    for (int i = 0; i < kYields && sent_something_; ++i) {
        if (has_arrivals()) return;
        base::yield();
        if (engine_.clock().now() - now >= kYieldMicrosMax) break;
    }
    sent_something_ = false;
    const base::Micros timeout = timers_.empty() ? base::EventCount::kForever : timers_.due() - now;
    if (!timers_.empty() && timeout <= 0) return;
    const base::EventCount::Ticket ticket = sleep_.prepare_wait();
    if (has_arrivals()) {
        sleep_.cancel_wait(ticket);
        return;
    }
    asleep_.store(true, std::memory_order_relaxed);
    sleep_.wait(ticket, timeout);
    asleep_.store(false, std::memory_order_relaxed);
    engine_.watch().stir();
    use_at_ = 0;
}

void Loop::take_arrivals() {
    take_controls(*this);
    batches.take_all([this](Batch* batch) { dispatch(batch); });
    if (resumed_.load(std::memory_order_relaxed) == nullptr) return;
    Executor* executor = resumed_.exchange(nullptr, std::memory_order_acquire);
    while (executor != nullptr) {
        Executor* const next = executor->next_resumed;
        executor->resumed.exchange(false, std::memory_order_acq_rel);
        if (here(*executor)) {
            mark_ready(*executor);
        } else {
            ControlBatch part;
            part.resumed.push_back(executor);
            forward(part, *executor);
        }
        executor = next;
    }
}

void Loop::take_controls(Loop& by) {
    control.take_all([this, &by](ControlBatch* arrived) {
        by.dispatch(*arrived);
        engine_.give_control(arrived);
    });
}

void Loop::fire_timers(base::Micros now) {
    while (!timers_.empty() && timers_.due() <= now) {
        Executor& executor = timers_.next();
        timers_.remove(executor);
        mark_ready(executor);
    }
}

void Loop::set_timer(Executor& executor) {
    timers_.set(executor, executor.next_due());
}

void Loop::mark_ready(Executor& executor) {
    if (executor.ready) return;
    // Until all bolts are prepared, only that is done. What comes meanwhile waits for begin().
    if (!begun_ && (executor.opened || executor.is_spout)) return;
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
    if (batch->returning != nullptr) [[unlikely]]
        return take_back(batch);
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
    annex.batches.push(*annex.forward_token_, copy);
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
    for (Executor* const executor : arrived.resumed) mark_ready(*executor);
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

// ---- There and back ----------------------------------------------------------------------------

void Loop::adopt(Executor& executor, bool opened) {
    in_user_code_.store(nullptr, std::memory_order_relaxed);
    ControlBatch* const left = engine_.take_control();
    executor.leave_batches(left->released);
    home_->control.push(left);
    home_->notify();
    const base::Micros now = engine_.clock().now();
    // Who went by itself, in order to wait for credit, does not block in each call.
    if (!executor.dedicated && !opened) executor.prompt = true;
    executor.dedicated = true;
    if (!opened) {
        const bool long_ago = executor.calm == 0 || now - executor.home_since > kCalmMicrosMax;
        executor.calm = long_ago ? kCalmMicros : std::min(2 * executor.calm, kCalmMicrosMax);
    }
    calm_since_ = now;
    stepped_at_ = kNever;
    use_at_ = 0;
    finish_step(executor, now, true);
}

void Loop::note_use(base::Micros now) {
    stepped_at_ = now;
    // Often enough to tell what a slow call has used, and seldom enough to cost nothing.
    if (use_at_ != 0 && now - use_at_ < base::kMicrosPerMilli) return;
    use_ = base::own_use();
    use_at_ = now;
}

bool Loop::calm(base::Micros now) {
    if (stepped_at_ == kNever) return false;
    Executor& executor = *executors_.front();
    if (now - std::exchange(stepped_at_, kNever) >= kSlowCallMicros) {
        // Unless the thread has merely waited for a processor.
        const base::ThreadUse use = base::own_use();
        if (use.waits != use_.waits || use.cpu - use_.cpu >= kSlowCallMicros) {
            executor.prompt = true;
            calm_since_ = now;
            return false;
        }
    }
    return now - calm_since_ >= executor.calm;
}

void Loop::send_home() {
    Executor& executor = *executors_.front();
    Loop& home = *home_;
    executors_.clear();
    ready_.clear();
    ready_spouts_.clear();
    running_.clear();
    running_next_ = 0;
    executor.ready = false;
    timers_.remove(executor);
    // An empty batch that names it: in the lane of its rows, since at home the next ones take a
    // shorter way.
    Batch* const marker = make_batch(0);
    marker->returning = &executor;
    home.batches.push(executor.token(home, home.number()), marker);
    home.notify();
}

void Loop::take_back(Batch* marker) {
    Executor& executor = *marker->returning;
    free_batch(marker);
    Loop& annex = *executor.loop.load(std::memory_order_acquire);
    executor.loop.store(this, std::memory_order_release);
    executors_.push_back(&executor);
    executor.dedicated = false;
    executor.prompt = engine_.wiring().topology.components()[executor.component()].blocking;
    executor.home_since = engine_.clock().now();
    // All of it is from this loop, so that all of it can be seen.
    while (!annex.control.empty()) annex.take_controls(*this);
    while (!annex.batches.empty())
        annex.batches.take_all([this](Batch* batch) { dispatch(batch); });
    annex.home_ = nullptr;
    engine_.give_annex(annex);
    mark_ready(executor);
    set_timer(executor);
}

}  // namespace storm::worker

#include "worker/loop/loop.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/thread.h"
#include "worker/executor/running.h"
#include "worker/executor/this_thread.h"

namespace storm::worker {

Loop::Loop(Shared& shared, Relief& relief, std::uint32_t number, bool lendable)
    : shared_(shared), relief_(relief), number_(number), lendable_(lendable), pool_(shared.pool) {
    if (number == kAnnex) forward_token_ = std::make_unique<Inbox<Batch>::Token>(batches.token());
}

void Loop::add(Executor& executor) {
    STORM_CHECK(executor.entry.home == nullptr, "an executor has one home");
    executors_.push_back(&executor);
    ++residents_;
    executor.entry.home = this;
    executor.entry.loop.store(this, std::memory_order_release);
    executor.entry.dedicated = !lendable_;
    executor.entry.prompt = shared_.wiring.topology.components()[executor.component()].blocking;
}

// ---- For any thread -----------------------------------------------------------------------------

void Loop::resume(Executor& executor) {
    Executor* head = resumed_.load(std::memory_order_relaxed);
    do {
        executor.entry.next_resumed = head;
    } while (!resumed_.compare_exchange_weak(head, &executor, std::memory_order_release,
                                             std::memory_order_relaxed));
    notify();
}

// The loop belongs to the winner of the exchange: this thread, or the one whose user code returns
// just now. All that is done to the executor here is done before `entry.loop` names the annex: from
// that store on its own thread may go on with it.
Executor* Loop::take_over(std::uint64_t word, Loop& annex) {
    if (!step_word_.compare_exchange_strong(word, word + 1, std::memory_order_acq_rel))
        return nullptr;
    // The step is lost to its thread, so everything but the executor's own state is ours now.
    Executor* const held = in_user_code_.exchange(nullptr, std::memory_order_relaxed);
    STORM_CHECK(held != nullptr, "a step names its executor before its word is odd");
    STORM_CHECK(annex.executors_.empty(), "an annex takes in one executor");
    Executor& slow = *held;
    std::erase(executors_, &slow);
    timers_.remove(slow.entry);
    annex.executors_.push_back(&slow);
    annex.begun_ = begun_;
    annex.home_ = this;
    annex.in_user_code_.store(&slow, std::memory_order_relaxed);
    slow.entry.loop.store(&annex, std::memory_order_release);  // Its thread waits for this.
    return &slow;
}

// In the middle of user code, so the stall watch may take the loop at the same moment. However that
// ends, the executor is in an annex before this returns true, and its emit may then wait there.
bool Loop::detach(Executor& executor) {
    const auto is_here = [&] { return here(executor); };
    if (is_here() && !stopping()) {
        const Relief::TakeOut out = relief_.take_out(*this, executor.entry.step_word);
        if (out == Relief::TakeOut::kNoThread && is_here()) return false;
        // The stall watch took the loop first: this call has taken long.
        if (out != Relief::TakeOut::kDone) executor.entry.prompt = true;
    }
    if (is_here() && stopping()) return false;
    while (is_here()) base::yield();
    executor.entry.dedicated = true;
    return true;
}

// Its output and acks have left before (Executor::hand_over_and_wait()): a target grants nothing
// for rows that it has not got, and may itself wait for these acks.
void Loop::wait_for_credit(Executor& executor) {
    while (true) {
        const base::EventCount::Ticket ticket = sleep_.prepare_wait();
        if (executor.outbox.refresh() || stopping()) {
            sleep_.cancel_wait(ticket);
            return;
        }
        sleep_.wait(ticket, base::EventCount::kForever);
    }
}

// ---- Running ------------------------------------------------------------------------------------

void Loop::run() {
    this_thread_runs_executors = true;
    for (Executor* const executor : executors_) mark_ready(*executor);
    run_turns();
}

void Loop::run_turns() {
    this_thread_runs_executors = true;
    thread_.store(base::thread_number(), std::memory_order_release);
    while (!stopping()) {
        if (!begun_ && shared_.state.prepared()) begin();
        const base::Micros now = turn_ = shared_.clock.now();
        if (home_ != nullptr && may_go_home(now)) return send_home();
        take_arrivals();
        fire_timers(now);
        if (ready_.empty() && ready_spouts_.empty() && running_next_ == running_.size()) {
            idle(now);
            continue;
        }
        if (running_next_ == running_.size()) choose_running();
        // One step each, all without a look at the inboxes: what a step sends to this loop runs in
        // the next turn. A step that ends with `false` has lost the loop to another thread.
        while (running_next_ < running_.size() && !stopping()) {
            Executor& executor = *running_[running_next_++];
            const bool opens = !executor.entry.opened;
            if (!step(executor, shared_.clock.now())) return go_on_in_annex(executor, opens);
        }
    }
    close();
}

void Loop::choose_running() {
    running_.clear();
    running_next_ = 0;
    running_.swap(ready_);
    // Work in progress goes first: its rows are in cache, and it ends sooner.
    if (running_.empty() || ++turns_without_spouts_ >= kTurnsWithoutSpoutsMax) {
        running_.insert(running_.end(), ready_spouts_.begin(), ready_spouts_.end());
        ready_spouts_.clear();
        turns_without_spouts_ = 0;
    }
}

void Loop::go_on_in_annex(Executor& executor, bool opened) {
    // From here on nothing of this loop may be touched: another thread runs it. The executor gets
    // its annex as the last act of the take-over, perhaps a moment from now.
    while (here(executor)) base::yield();
    Loop& annex = loop_of(executor);
    annex.adopt(executor, opened);
    // open() was slow, but it is not called again.
    if (opened && !annex.stopping()) return annex.send_home();
    annex.run_turns();
}

void Loop::begin() {
    begun_ = true;
    for (Executor* const executor : executors_) mark_ready(*executor);
}

bool Loop::stopping() const {
    return shared_.state.stopping() || shared_.state.halted();
}

bool Loop::step(Executor& executor, base::Micros now) {
    // First, so that what it sends to itself in this step makes it ready again.
    executor.entry.ready = false;
    // The step must not touch this loop's pool: it may be another thread's by then.
    if (executor.emits) executor.outbox.stock(pool_);
    if (home_ != nullptr) calm_.begin_step(now);
    in_user_code_.store(&executor, std::memory_order_release);
    // A dedicated loop is not lent: it has no other executor.
    if (!lendable_) {
        const bool more = call(executor, now);
        in_user_code_.store(nullptr, std::memory_order_relaxed);
        finish_step(executor, now, more);
        return true;
    }
    executor.entry.step_loop = this;
    // From here until the exchange below the loop may become another thread's at any moment.
    const std::uint64_t word = 2 * ++steps_ + 1;
    executor.entry.step_word = word;
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
    if (executor.entry.opened) [[likely]]
        return executor.step(now);
    return open(executor);
}

// When user code returns, the loop may be another thread's.
bool Loop::open(Executor& executor) {
    executor.entry.opening_since.store(shared_.clock.now(), std::memory_order_relaxed);
    const auto thrown = executor.try_open();
    executor.entry.opening_since.store(0, std::memory_order_relaxed);
    if (thrown) {
        shared_.state.fail((executor.is_spout ? "cannot open " : "cannot prepare ") + *thrown);
        return false;
    }
    executor.entry.opened = true;
    shared_.state.executor_opened(executor.is_spout);
    return true;
}

// Only now, when the loop is certainly this thread's, is anything of the loop touched again: its
// pool, ready list, timers, and the batches that the step has consumed.
void Loop::finish_step(Executor& executor, base::Micros now, bool more) {
    // Output leaves when the executor has nothing more to do, when it is old, or when the next call
    // may block. Otherwise it waits for more, since a full batch costs as much as a small one.
    const bool old = executor.entry.oldest_output != kNever &&
                     now - executor.entry.oldest_output >= kFlushMicros;
    const bool flush = !more || old || executor.entry.prompt;
    if (flush) {
        executor.outbox.close_all();
        executor.entry.oldest_output = kNever;
    } else if (executor.entry.oldest_output == kNever) {
        executor.entry.oldest_output = now;
    }
    hand_over(executor, flush);
    for (Batch* const batch : executor.released()) release(batch);
    executor.released().clear();
    if (executor.emits) executor.outbox.unstock(pool_);
    if (more) mark_ready(executor);
    set_timer(executor);
}

// An executor in an annex is closed by the annex, and one that is just on its way home by
// Engine::stop().
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

// ---- Sleeping -----------------------------------------------------------------------------------

bool Loop::has_arrivals() const {
    return !control.empty() || !batches.empty() ||
           resumed_.load(std::memory_order_acquire) != nullptr || stopping() ||
           (!begun_ && shared_.state.prepared());
}

void Loop::idle(base::Micros now) {
    // Answers tend to come soon after something was sent; a loop that only polls has nothing to
    // wait for. With more work than cores one yield may take longer than a wake-up.
    for (int i = 0; i < kYields && sent_something_; ++i) {
        if (has_arrivals()) return;
        base::yield();
        if (shared_.clock.now() - now >= kYieldMicrosMax) break;
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
    relief_.stir();
    calm_.slept();
}

// Control comes first, since acks and fails must not wait behind rows. The link of a resumed
// executor is read before its flag is cleared: once that is off, any thread may put the executor
// into the list again, which writes the link.
void Loop::take_arrivals() {
    take_controls(*this);
    batches.take_all([this](Batch* batch) { dispatch(batch); });
    if (resumed_.load(std::memory_order_relaxed) == nullptr) return;
    Executor* executor = resumed_.exchange(nullptr, std::memory_order_acquire);
    while (executor != nullptr) {
        Executor* const next = executor->entry.next_resumed;
        executor->entry.resumed.exchange(false, std::memory_order_acq_rel);
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
        shared_.controls.give(arrived);
    });
}

void Loop::fire_timers(base::Micros now) {
    while (!timers_.empty() && timers_.due() <= now) {
        Executor& executor = timers_.next().executor;
        timers_.remove(executor.entry);
        mark_ready(executor);
    }
}

void Loop::set_timer(Executor& executor) {
    timers_.set(executor.entry, executor.next_due());
}

void Loop::mark_ready(Executor& executor) {
    if (executor.entry.ready) return;
    // Until all bolts are prepared, nothing else may run. begin() makes up for what arrives
    // meanwhile.
    if (!begun_ && (executor.entry.opened || executor.is_spout)) return;
    executor.entry.ready = true;
    (executor.is_spout ? ready_spouts_ : ready_).push_back(&executor);
}

// ---- There and back -----------------------------------------------------------------------------

void Loop::adopt(Executor& executor, bool opened) {
    STORM_CHECK(home_ != nullptr && executors_.size() == 1 && executors_.front() == &executor,
                "take_over() has put this executor here, and no other");
    in_user_code_.store(nullptr, std::memory_order_relaxed);
    // Consumed and queued runs are still counted in batches of the home loop, which alone may
    // release them. So the queued ones are copied, and all go back in one record each.
    ControlBatch* const left = shared_.controls.take();
    executor.leave_batches(left->released);
    home_->control.push(left);
    home_->notify();
    const base::Micros now = shared_.clock.now();
    // An executor that detached by itself, to wait for credit, does not block in each call.
    if (!executor.entry.dedicated && !opened) executor.entry.prompt = true;
    executor.entry.dedicated = true;
    if (!opened) {
        const bool long_ago =
            executor.entry.calm == 0 || now - executor.entry.home_since > kCalmMicrosMax;
        executor.entry.calm =
            long_ago ? kCalmMicros : std::min(2 * executor.entry.calm, kCalmMicrosMax);
    }
    calm_.start(now);
    finish_step(executor, now, true);
}

bool Loop::may_go_home(base::Micros now) {
    if (!calm_.has_step()) return false;
    LoopEntry& entry = executors_.front()->entry;
    if (calm_.judge(now)) return calm_.lasts(now) >= entry.calm;
    entry.prompt = true;
    return false;
}

void Loop::send_home() {
    STORM_CHECK(home_ != nullptr && executors_.size() == 1, "only an annex sends its guest home");
    Executor& executor = *executors_.front();
    Loop& home = *home_;
    // Lanes that are open, acks that wait and runs that are queued go along: they are the
    // executor's.
    executors_.clear();
    ready_.clear();
    ready_spouts_.clear();
    running_.clear();
    running_next_ = 0;
    executor.entry.ready = false;
    timers_.remove(executor.entry);
    // An empty batch that names the executor. It travels in the lane of its rows, because the next
    // rows, emitted at home, take a shorter way.
    Batch* const marker = make_batch(0);
    marker->returning = &executor;
    home.batches.push(executor.entry.token(home, home.number()), marker);
    home.notify();
}

void Loop::take_back(Batch* marker) {
    Executor& executor = *marker->returning;
    free_batch(marker);
    STORM_CHECK(executor.entry.home == this, "an executor comes back to its own home");
    Loop& annex = loop_of(executor);
    STORM_CHECK(annex.home_ == this && annex.executors_.empty(), "its annex has let it go");
    // First, so that all that is drained from the annex below counts as for here.
    executor.entry.loop.store(this, std::memory_order_release);
    executors_.push_back(&executor);
    executor.entry.dedicated = false;
    executor.entry.prompt = shared_.wiring.topology.components()[executor.component()].blocking;
    executor.entry.home_since = shared_.clock.now();
    // Everything in the annex was pushed by this loop, so this thread sees all of it.
    while (!annex.control.empty()) annex.take_controls(*this);
    while (!annex.batches.empty())
        annex.batches.take_all([this](Batch* batch) { dispatch(batch); });
    annex.home_ = nullptr;
    relief_.give_annex(annex);
    mark_ready(executor);
    set_timer(executor);
}

}  // namespace storm::worker

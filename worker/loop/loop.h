// An event loop: runs its executors cooperatively, one step at a time, and carries what they emit
// to where it goes.
//
//     turn:  acks and fails ─► batches ─► resumed executors ─► timers
//            ─► one step of each bolt executor that is ready; of each spout executor when none is
//     idle:  a few yields ─► sleep until something is pushed, or the next timer
//
// The loop is an object apart from the thread that runs it. While user code runs, the loop may be
// taken over, by the stall watch (loop/stall_watch.h) or by the executor itself, which wants to
// wait in an emit (detach()): everything here is then another thread's, and the executor that held
// it goes on in an annex, a loop of its own, on the old thread.
//
//     step_word:  even ──step n──► odd ──────────────► even
//                                   └──take_over(n)──► even, another thread's
//
// What is for an executor always comes by its home loop, which forwards it while the executor is
// away; nobody else pushes anything into an annex. So the way back is short: once the executor has
// been quick for a while, its thread sends it home as a batch behind all that it has sent there,
// and touches it and the annex no more; the home loop takes what is left in the annex, and goes on.
//
// The first step of an executor is its open() or prepare(). Until all bolts are prepared nothing
// else is run.
//
// Threads: push, resume, notify, step_word, in_user_code and take_over from any; all else is the
// running thread's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/event_count.h"
#include "worker/acker/ack_lane.h"
#include "worker/executor/executor.h"
#include "worker/executor/host.h"
#include "worker/executor/loop_entry.h"
#include "worker/executor/shared.h"
#include "worker/loop/calm.h"
#include "worker/loop/relief.h"
#include "worker/queue/batch.h"
#include "worker/queue/entrance.h"
#include "worker/queue/regroup.h"
#include "worker/queue/timer_heap.h"

namespace storm::worker {

class Loop final : public Host {
public:
    static constexpr std::uint32_t kAnnex = std::numeric_limits<std::uint32_t>::max();

    /// `number`: the home of its executors, or kAnnex. `lendable`: may be taken over.
    Loop(Shared& shared, Relief& relief, std::uint32_t number, bool lendable);
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void add(Executor& executor);
    std::uint32_t number() const { return number_; }

    /// Prepares the bolts, then runs until the engine stops.
    void run();
    /// Goes on with a loop that take_over() has won. Returns when the engine stops, as run(), or
    /// when what was an annex is one no more.
    void run_turns();

    /// Gives back what nobody will consume any more. After all threads have ended.
    void drop_queued(Executor& executor);
    void drop_queued();

    // ---- From any thread; and what is pushed into the entrance.
    void resume(Executor& executor) override;
    void notify() override { sleep_.notify(); }

    /// Odd while user code runs; changes with each step.
    std::uint64_t step_word() const { return step_word_.load(std::memory_order_acquire); }
    /// Takes the loop away from its thread if that is still in the step of `word`. The executor
    /// that is in it moves to `annex`, and is returned; null: the step was quicker.
    Executor* take_over(std::uint64_t word, Loop& annex);
    /// Whose code is being called; null: nobody's.
    Executor* in_user_code() const { return in_user_code_.load(std::memory_order_acquire); }
    /// It sleeps, or has come to its end. Whoever wakes it stirs the stall watch.
    bool asleep() const { return asleep_.load(std::memory_order_acquire); }
    /// The number of the thread that runs it; 0: none yet.
    pid_t thread() const { return thread_.load(std::memory_order_acquire); }
    /// It is the home of more than one executor: one that holds the loop would hold up others.
    bool worth_watching() const { return lendable_ && residents_ > 1; }

    // ---- From the executor's thread, in the middle of a step.
    bool detach(Executor& executor) override;
    void hand_over(Executor& executor) override { hand_over(executor, true); }
    void wait_for_credit(Executor& executor) override;

private:
    /// The ready ones become those of this turn.
    void choose_running();
    /// The executor that lost this loop goes on in its annex; the calling thread with it.
    void go_on_in_annex(Executor& executor, bool opened);
    bool stopping() const;
    /// All bolts are prepared.
    void begin();
    void idle(base::Micros now);
    bool has_arrivals() const;
    void take_arrivals();
    void take_controls(Loop& by);
    void fire_timers(base::Micros now);
    /// False: the loop was taken over meanwhile.
    bool step(Executor& executor, base::Micros now);
    /// Calls user code: open() or prepare() the first time, then steps.
    bool call(Executor& executor, base::Micros now);
    bool open(Executor& executor);
    void finish_step(Executor& executor, base::Micros now, bool more);
    void close();

    // ---- Of an annex.
    /// Goes on with an executor that was in the middle of a step when its home was taken over.
    void adopt(Executor& executor, bool opened);
    /// After a step: whether the executor has been quick for long enough.
    bool may_go_home(base::Micros now);
    void send_home();
    // ---- Of a home.
    void take_back(Batch* marker);

    void mark_ready(Executor& executor);
    void set_timer(Executor& executor);
    void hand_over(Executor& executor, bool all_acks);
    /// `copied`: the batch was not built in place, and may go to another loop as it is.
    void carry(Executor& executor, Batch* batch, std::uint32_t number, bool copied);
    void send_acks(Executor& executor, bool all);
    void dispatch(Batch* batch);
    void forward(const std::byte* run, base::Micros born, Executor& executor);
    void dispatch(ControlBatch& arrived);
    void send(ControlBatch& control, Entrance& target);
    /// For executors that are no longer here.
    void forward(ControlBatch& part, Executor& executor);
    void release(Batch* batch);
    bool here(const Executor& executor) const {
        return executor.entry.loop.load(std::memory_order_acquire) == this;
    }
    /// Only loops are hosts.
    static Loop& loop_of(const Executor& executor) {
        return static_cast<Loop&>(*executor.entry.loop.load(std::memory_order_acquire));
    }

    Shared& shared_;
    Relief& relief_;
    const std::uint32_t number_;
    const bool lendable_;
    BatchPool pool_;
    Regroup regroup_;
    std::vector<Executor*> executors_;
    std::vector<Executor*> ready_;
    std::vector<Executor*> ready_spouts_;
    int turns_without_spouts_ = 0;
    std::vector<Executor*> running_;  // The ready ones of this turn.
    std::size_t running_next_ = 0;
    TimerHeap<LoopEntry> timers_;
    bool begun_ = false;           // All bolts are prepared.
    bool sent_something_ = false;  // Since it last was idle.
    std::uint64_t steps_ = 0;
    base::Micros turn_ = 0;      // When the present turn began.
    std::size_t residents_ = 0;  // Constant once the engine runs: whose home it is.

    // Of an annex.
    Loop* home_ = nullptr;                                // Null: it is none.
    std::unique_ptr<Inbox<Batch>::Token> forward_token_;  // For what the home pushes.
    Calm calm_;

    alignas(64) std::atomic<std::uint64_t> step_word_{0};
    std::atomic<Executor*> in_user_code_{nullptr};
    std::atomic<bool> asleep_{false};
    std::atomic<pid_t> thread_{0};
    alignas(64) std::atomic<Executor*> resumed_{nullptr};  // A stack, by LoopEntry::next_resumed.
    base::EventCount sleep_;
};

}  // namespace storm::worker

// An event loop: runs its executors cooperatively, one step at a time, and carries their output to
// its destinations.
//
//     turn:  acks and fails ─► batches ─► resumed executors ─► timers
//            ─► one step of each bolt executor that is ready; of each spout executor when none is
//     idle:  a few yields ─► sleep until something is pushed, or the next timer
//
// The loop is an object apart from the thread that runs it. While user code runs, the loop may be
// taken over: by the stall watch (loop/stall_watch.h), or by the executor itself if it has to wait
// in an emit (detach()). Then another thread runs the loop, and the executor that held it goes on
// in an annex, a loop of its own, on the old thread.
//
//     step_word:  even ──step n──► odd ──────────────► even
//                                   └──take_over(n)──► even, the loop is another thread's
//
// Invariants:
//
// - The thread that moves step_word from odd to even owns everything in the loop but the executor
//   in user code. A step that loses this race touches nothing here any more.
// - `entry.loop` of an executor names the loop that runs it. It changes at a take-over and at the
//   executor's return, each time by the thread that owns the home loop.
// - Everything for an executor arrives at its home loop, which forwards it while the executor is
//   in an annex. Nobody else pushes anything into an annex.
//
// Because of the last invariant the way back is short. Once the executor has been quick for a
// while, its thread sends it home as a batch behind all that it has sent there, and touches
// neither it nor the annex afterwards. The home loop takes whatever is left in the annex, and goes
// on.
//
// The first step of an executor is its open() or prepare(). Until all bolts are prepared, nothing
// else runs.
//
// Threads: push, resume, notify, step_word, in_user_code and take_over from any; everything else
//          belongs to the running thread.
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

    /// `number`: the loop's number, or kAnnex. `lendable`: it may be taken over.
    Loop(Shared& shared, Relief& relief, std::uint32_t number, bool lendable);
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void add(Executor& executor);
    std::uint32_t number() const { return number_; }

    /// Prepares the bolts, then runs until the engine stops.
    void run();
    /// Goes on with a loop that take_over() has won. Returns when the engine stops, as run() does,
    /// or when an annex has sent its executor home.
    void run_turns();

    /// Frees what nobody will consume any more. To be called after all threads have ended.
    void drop_queued(Executor& executor);
    void drop_queued();

    // ---- For any thread, as is pushing into the entrance.
    void resume(Executor& executor) override;
    void notify() override { sleep_.notify(); }

    /// Odd while user code runs; changes with each step.
    std::uint64_t step_word() const { return step_word_.load(std::memory_order_acquire); }
    /// Takes the loop from its thread, if that is still in the step of `word`. The executor in that
    /// step moves to `annex` and is returned. Null: the step ended before.
    Executor* take_over(std::uint64_t word, Loop& annex);
    /// The executor in user code; null: none.
    Executor* in_user_code() const { return in_user_code_.load(std::memory_order_acquire); }
    /// Whether it sleeps or has ended. A loop that wakes up stirs the stall watch.
    bool asleep() const { return asleep_.load(std::memory_order_acquire); }
    /// Number of the thread that runs it; 0: none yet.
    pid_t thread() const { return thread_.load(std::memory_order_acquire); }
    /// Whether it is home to several executors, so that one that holds it would hold up others.
    bool worth_watching() const { return lendable_ && residents_ > 1; }

    // ---- For the executor's thread, in the middle of a step.
    bool detach(Executor& executor) override;
    void hand_over(Executor& executor) override { hand_over(executor, true); }
    void wait_for_credit(Executor& executor) override;

private:
    /// Makes the ready executors those of this turn.
    void choose_running();
    /// Continues, after a lost step, with the annex of the executor that was in it.
    void go_on_in_annex(Executor& executor, bool opened);
    bool stopping() const;
    /// To be called once all bolts are prepared.
    void begin();
    void idle(base::Micros now);
    bool has_arrivals() const;
    void take_arrivals();
    void take_controls(Loop& by);
    void fire_timers(base::Micros now);
    /// False: the loop was taken over during the step.
    bool step(Executor& executor, base::Micros now);
    /// Calls user code: open() or prepare() the first time, then steps.
    bool call(Executor& executor, base::Micros now);
    bool open(Executor& executor);
    void finish_step(Executor& executor, base::Micros now, bool more);
    void close();

    // ---- Annex only.
    /// Finishes the step during which the executor's home was taken over.
    void adopt(Executor& executor, bool opened);
    /// After a step: whether the executor has been quick for long enough.
    bool may_go_home(base::Micros now);
    void send_home();
    // ---- Home only.
    void take_back(Batch* marker);

    void mark_ready(Executor& executor);
    void set_timer(Executor& executor);
    void hand_over(Executor& executor, bool all_acks);
    /// `copied`: the batch was not built in place, so it may go to another loop as it is.
    void carry(Executor& executor, Batch* batch, std::uint32_t number, bool copied);
    void send_acks(Executor& executor, bool all);
    void dispatch(Batch* batch);
    void forward(const std::byte* run, base::Micros born, Executor& executor);
    void dispatch(ControlBatch& arrived);
    void send(ControlBatch& control, Entrance& target);
    /// For executors that are not here at present.
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

    // The running thread's; another thread's after a take-over.
    BatchPool pool_;
    Regroup regroup_;
    std::vector<Executor*> executors_;
    std::vector<Executor*> ready_;
    std::vector<Executor*> ready_spouts_;
    int turns_without_spouts_ = 0;
    std::vector<Executor*> running_;  // The ready executors of this turn.
    std::size_t running_next_ = 0;
    TimerHeap<LoopEntry> timers_;
    bool begun_ = false;           // All bolts are prepared.
    bool sent_something_ = false;  // Since the loop was last idle.
    std::uint64_t steps_ = 0;
    base::Micros turn_ = 0;      // Start of the present turn.
    std::size_t residents_ = 0;  // Executors whose home this is; constant once the engine runs.

    // Annex only.
    Loop* home_ = nullptr;                                // Null: this is not an annex.
    std::unique_ptr<Inbox<Batch>::Token> forward_token_;  // For what the home loop pushes.
    Calm calm_;

    // Read by other threads.
    alignas(64) std::atomic<std::uint64_t> step_word_{0};
    std::atomic<Executor*> in_user_code_{nullptr};
    std::atomic<bool> asleep_{false};
    std::atomic<pid_t> thread_{0};
    // A stack, linked by LoopEntry::next_resumed.
    alignas(64) std::atomic<Executor*> resumed_{nullptr};
    base::EventCount sleep_;
};

}  // namespace storm::worker

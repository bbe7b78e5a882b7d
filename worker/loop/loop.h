// An event loop: runs its executors cooperatively, one step at a time, and carries what they emit
// to where it goes.
//
//     turn:  acks and fails ─► batches ─► resumed executors ─► timers
//            ─► one step of each bolt executor that is ready; of each spout executor when none is
//     idle:  a few yields ─► sleep until something is pushed, or the next timer
//
// The loop is an object apart from the thread that runs it. While user code runs, another thread
// (loop/stall_watch.h) may take the loop over: everything here is then that thread's, and the
// executor that held it goes on in an annex, a loop of its own, on the old thread. What arrives for
// it at its home loop is forwarded.
//
//     kEngine ──enter_user()──► kUser(step n) ──leave_user()──► kEngine
//                                    └────────take_over(n)────► kEngine, another thread's
//
// Threads: push, resume, notify, step_word and take_over from any; all else is the running
// thread's.
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
#include "worker/loop/timer_heap.h"
#include "worker/queue/batch.h"
#include "worker/queue/entrance.h"
#include "worker/queue/regroup.h"

namespace storm::worker {

class Loop final : public Entrance {
public:
    static constexpr std::uint32_t kAnnex = std::numeric_limits<std::uint32_t>::max();

    /// `number`: the home of its executors, or kAnnex. `shared`: may be taken over.
    Loop(Engine& engine, std::uint32_t number, bool shared);
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void add(Executor& executor);
    std::uint32_t number() const { return number_; }

    /// Prepares the bolts, then runs until the engine stops.
    void run();
    /// Runs a loop that take_over() has won.
    void run_taken_over();

    /// Gives back what nobody will consume any more. After all threads have ended.
    void drop_queued();

    // ---- From any thread; and what is pushed into the entrance.
    void resume(Executor& executor);
    void notify() override { sleep_.notify(); }

    /// Odd while user code runs; changes with each step.
    std::uint64_t step_word() const { return step_word_.load(std::memory_order_acquire); }
    /// Takes the loop away from its thread if that is still in the step of `word`. The executor
    /// that is in it moves to `annex`, and is returned; null: the step was quicker.
    Executor* take_over(std::uint64_t word, Loop& annex);
    /// The number of the thread that runs it; 0: none yet.
    pid_t thread() const { return thread_.load(std::memory_order_acquire); }
    /// More than one executor: one that holds the loop would hold up others.
    bool worth_watching() const { return shared_ && watched_.load(std::memory_order_relaxed); }

    // ---- From the executor's thread, for a dedicated executor that emits.
    /// Hands over what is closed, and all acks.
    void hand_over(Executor& executor) { hand_over(executor, true); }
    /// Sleeps until ready(), or the engine stops.
    template <typename Ready>
    void wait_until(Ready&& ready) {
        while (true) {
            const base::EventCount::Ticket ticket = sleep_.prepare_wait();
            if (ready() || stopping()) {
                sleep_.cancel_wait(ticket);
                return;
            }
            sleep_.wait(ticket, base::EventCount::kForever);
        }
    }

private:
    void run_turns();
    bool stopping() const;
    void open_spouts();
    void idle(base::Micros now);
    bool has_arrivals() const;
    void take_arrivals();
    void fire_timers(base::Micros now);
    /// False: the loop was taken over meanwhile.
    bool step(Executor& executor, base::Micros now);
    void finish_step(Executor& executor, base::Micros now, bool more);
    /// Goes on with an executor that was in the middle of a step when `home` was taken over.
    void adopt(Executor& executor, Loop& home);
    void close();

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
        return executor.loop.load(std::memory_order_acquire) == this;
    }

    Engine& engine_;
    const std::uint32_t number_;
    const bool shared_;
    BatchPool pool_;
    Regroup regroup_;
    std::vector<Executor*> executors_;
    std::vector<Executor*> ready_;
    std::vector<Executor*> ready_spouts_;
    int turns_without_spouts_ = 0;
    std::vector<Executor*> running_;  // The ready ones of this turn.
    std::size_t running_next_ = 0;
    TimerHeap timers_;
    bool spouts_open_ = false;
    bool sent_something_ = false;  // Since it last was idle.
    Executor* stepping_ = nullptr;
    std::uint64_t steps_ = 0;
    base::Micros turn_ = 0;  // When the present turn began.

    alignas(64) std::atomic<std::uint64_t> step_word_{0};
    std::atomic<bool> watched_{false};
    std::atomic<pid_t> thread_{0};
    alignas(64) std::atomic<Executor*> resumed_{
        nullptr};  // A stack, linked by Executor::next_resumed.
    base::EventCount sleep_;
};

}  // namespace storm::worker

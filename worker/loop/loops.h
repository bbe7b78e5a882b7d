// All loops of this worker: their threads, the annexes of those that were taken over, and the stall
// watch.
//
// Order:   add() each executor; start() once; stop() before destruction.
// Threads: add, start and stop from the thread that made it; notify_all, in_user_code and annexes
//          from any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "worker/executor/executor.h"
#include "worker/executor/shared.h"
#include "worker/loop/crew.h"
#include "worker/loop/loop.h"
#include "worker/loop/relief.h"
#include "worker/loop/stall_watch.h"

namespace storm::worker {

class Loops final : public Relief {
public:
    /// Adds the entrances of its loops to `shared`, which must outlive it.
    explicit Loops(Shared& shared);
    Loops(const Loops&) = delete;
    Loops& operator=(const Loops&) = delete;

    /// Adds the executor to the loop that the wiring names. It must outlive the threads.
    void add(Executor& executor);
    void start();
    /// Ends all threads, after RunState::stop(); calls `meanwhile` now and then. False: some user
    /// code does not return within `patience`, and its thread is left behind.
    bool stop(base::Micros patience, const std::function<void()>& meanwhile);
    /// Frees what nobody will consume any more. To be called after all threads have ended.
    void drop_queued();

    /// Makes all loops look at the state again.
    void notify_all();
    /// The executors in user code.
    std::vector<Executor*> in_user_code() const;
    Crew& crew() { return crew_; }
    /// Number of annexes, in use or free.
    std::size_t annexes() const;

private:
    TakeOut take_out(Loop& loop, std::uint64_t word) override;
    void give_annex(Loop& annex) override;
    void stir() override { watch_.stir(); }

    Loop& take_annex();
    void run_in(Crew::Member& thread, Loop& loop, void (Loop::*run)());
    bool is_shared(const Loop& loop) const {
        return loop.number() < shared_.wiring.placement.shared_loops;
    }

    Shared& shared_;
    std::vector<std::unique_ptr<Loop>> loops_;
    StallWatch watch_;
    Crew crew_;

    mutable std::mutex mutex_;  // Guards the following; held for a few statements.
    std::vector<std::unique_ptr<Loop>> annexes_;  // As many as were once in use together.
    std::vector<Loop*> free_annexes_;
};

}  // namespace storm::worker

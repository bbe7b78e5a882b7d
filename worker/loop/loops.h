// All loops of this worker: their threads, the annexes of those that were taken over, and the watch
// that has them taken over.
//
// Order:   add() each executor; start() once; stop() before destruction.
// Threads: add, start and stop from the one that made it; notify_all, in_user_code and annexes from
//          any.
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
    /// `shared` outlives it, and gets its entrances.
    explicit Loops(Shared& shared);
    Loops(const Loops&) = delete;
    Loops& operator=(const Loops&) = delete;

    /// To the loop that the wiring names. The executor outlives the threads, not this.
    void add(Executor& executor);
    void start();
    /// Ends all threads, after RunState::stop(); `meanwhile` is called now and then. False: user
    /// code does not return, and some thread is left behind.
    bool stop(base::Micros patience, const std::function<void()>& meanwhile);
    /// Gives back what nobody will consume any more. After all threads have ended.
    void drop_queued();

    /// All of them look at the state again.
    void notify_all();
    /// Those whose code is being called.
    std::vector<Executor*> in_user_code() const;
    Crew& crew() { return crew_; }
    /// How many there are, in use or not.
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

    mutable std::mutex mutex_;                    // Guards what follows; held for a few statements.
    std::vector<std::unique_ptr<Loop>> annexes_;  // Not one more than were in use at once.
    std::vector<Loop*> free_annexes_;
};

}  // namespace storm::worker

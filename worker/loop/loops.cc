#include "worker/loop/loops.h"

#include <string>

#include "base/check.h"
#include "base/event_count.h"

namespace storm::worker {

Loops::Loops(Shared& shared) : shared_(shared), watch_(shared, *this), crew_(shared.clock) {
    const Placement& placement = shared.wiring.placement;
    for (std::uint32_t i = 0; i < placement.loops; ++i) {
        loops_.push_back(std::make_unique<Loop>(shared, *this, i, i < placement.shared_loops));
        shared.entrances.push_back(loops_.back().get());
    }
    for (const auto& peer : shared.peers) shared.entrances.push_back(peer.get());
}

void Loops::add(Executor& executor) {
    loops_[shared_.wiring.placement.loop_of_executor[executor.number()]]->add(executor);
}

// ---- Running -----------------------------------------------------------------------------------

void Loops::start() {
    // If the system gives too few threads, hire() throws. The loops that run already are ended by
    // stop().
    std::vector<Loop*> shared;
    for (const auto& loop : loops_) {
        if (is_shared(*loop)) shared.push_back(loop.get());
        run_in(crew_.hire(), *loop, &Loop::run);
    }
    watch_.start(shared);
}

void Loops::run_in(Crew::Member& thread, Loop& loop, void (Loop::*run)()) {
    crew_.run(thread, (is_shared(loop) ? "loop-" : "exec-") + std::to_string(loop.number()),
              [&loop, run] { (loop.*run)(); });
}

bool Loops::stop(base::Micros patience, const std::function<void()>& meanwhile) {
    notify_all();
    watch_.join();
    crew_.close();  // No new threads from here on.
    const base::Micros give_up = shared_.clock.now() + patience;
    // Looked at again and again instead of waited for: `meanwhile` interrupts the system calls that
    // spouts are in, and misses one that is just beginning.
    while (crew_.at_work()) {
        if (patience != base::EventCount::kForever && shared_.clock.now() > give_up) return false;
        notify_all();
        meanwhile();
        base::EventCount pause;
        pause.wait(pause.prepare_wait(), base::kMicrosPerMilli);
    }
    crew_.join();
    return true;
}

void Loops::drop_queued() {
    for (Executor* const executor : shared_.executors) {
        if (executor == nullptr) continue;
        loops_[shared_.wiring.placement.loop_of_executor[executor->number()]]->drop_queued(
            *executor);
    }
    for (const auto& loop : loops_) loop->drop_queued();
    for (const auto& loop : annexes_) loop->drop_queued();
}

void Loops::notify_all() {
    for (const auto& loop : loops_) loop->notify();
    const std::lock_guard lock(mutex_);
    for (const auto& loop : annexes_) loop->notify();
}

std::vector<Executor*> Loops::in_user_code() const {
    std::vector<Executor*> running;
    const auto look = [&running](const Loop& loop) {
        if (Executor* const executor = loop.in_user_code()) running.push_back(executor);
    };
    for (const auto& loop : loops_) look(*loop);
    const std::lock_guard lock(mutex_);
    for (const auto& annex : annexes_) look(*annex);
    return running;
}

// ---- When a loop is held -----------------------------------------------------------------------

Relief::TakeOut Loops::take_out(Loop& loop, std::uint64_t word) {
    // The thread comes first: a loop that no thread runs would be worse than one that is held.
    Crew::Member* const thread = crew_.take();
    if (thread == nullptr) return TakeOut::kNoThread;
    Loop& annex = take_annex();
    // The step ended in time, so neither is needed.
    if (loop.take_over(word, annex) == nullptr) {
        give_annex(annex);
        crew_.give_back(*thread);
        return TakeOut::kTooLate;
    }
    run_in(*thread, loop, &Loop::run_turns);
    return TakeOut::kDone;
}

// Annexes are never destroyed before the engine: resume() and notify() of any thread may still hold
// one that its executor has just left.
Loop& Loops::take_annex() {
    const std::lock_guard lock(mutex_);
    if (free_annexes_.empty()) {
        return *annexes_.emplace_back(std::make_unique<Loop>(shared_, *this, Loop::kAnnex, false));
    }
    Loop& annex = *free_annexes_.back();
    free_annexes_.pop_back();
    STORM_CHECK(annexes_.size() > free_annexes_.size(), "a free annex is one of them");
    return annex;
}

void Loops::give_annex(Loop& annex) {
    const std::lock_guard lock(mutex_);
    free_annexes_.push_back(&annex);
}

std::size_t Loops::annexes() const {
    const std::lock_guard lock(mutex_);
    return annexes_.size();
}

}  // namespace storm::worker

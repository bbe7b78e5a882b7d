// A loop's data about an executor that it runs. Stored in the executor, so that no look-up is
// needed, but owned by the loop: the executor reads `dedicated`, `prompt`, `opened` and where it
// runs, and writes only `resumed`.
//
// Threads: the one that owns the executor's loop, except for the atomics.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "worker/executor/host.h"
#include "worker/queue/batch.h"
#include "worker/queue/entrance.h"
#include "worker/queue/inbox.h"
#include "worker/queue/timer_heap.h"

namespace storm::worker {

class Executor;

struct LoopEntry : Timed {
    LoopEntry(Executor& of, std::size_t destinations) : executor(of), tokens(destinations) {}

    Executor& executor;

    // ---- Where it runs.
    Host* home = nullptr;  // Constant once anything runs. Everything for it arrives there.
    std::atomic<Host*> loop{nullptr};  // Runs it now.
    Host* step_loop = nullptr;         // The loop on which the present step began,
    std::uint64_t step_word = 0;       // and its step word.
    bool dedicated = false;  // It has a thread of its own, so an emit may wait for credit.
    // It hands over after each call of user code, because the next one may block.
    bool prompt = false;
    base::Micros calm = 0;  // How long it must be quick before it goes home; 0: it was never away.
    base::Micros home_since = 0;  // If it was away before.

    // ---- Scheduling.
    bool ready = false;                   // In the loop's ready list.
    bool opened = false;                  // open() or prepare() is over.
    base::Micros oldest_output = kNever;  // Time of its oldest output that is not handed over.
    /// Its own tokens for other inboxes, so that what it sends to one stays in order. Indexed by
    /// destination.
    std::vector<std::unique_ptr<Inbox<Batch>::Token>> tokens;

    // ---- For other threads; last, so that their writes do not share a cache line with the loop's
    // data.
    std::atomic<base::Micros> opening_since{0};  // Start of open() or prepare(); 0: in neither.
    std::atomic<bool> resumed{false};            // In its home's resume list.
    Executor* next_resumed = nullptr;            // Link of that list.

    Inbox<Batch>::Token& token(Entrance& target, std::uint32_t destination) {
        std::unique_ptr<Inbox<Batch>::Token>& token = tokens[destination];
        if (token == nullptr) token = std::make_unique<Inbox<Batch>::Token>(target.batches.token());
        return *token;
    }
};

}  // namespace storm::worker

// What a loop keeps with an executor that it runs. It lies in the executor, so that neither has to
// be looked for, and is the loop's: the executor reads `dedicated`, `prompt`, `opened` and where it
// runs, and writes `resumed` alone.
//
// Threads: of the thread that owns the executor's loop, but for the atomics.
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
    Host* home = nullptr;              // Constant once anything runs. What is for it comes by this.
    std::atomic<Host*> loop{nullptr};  // The one that runs it now.
    Host* step_loop = nullptr;         // The one that the present step began on.
    std::uint64_t step_word = 0;       // Of that step.
    bool dedicated = false;            // It has a thread of its own: an emit may wait for credit.
    bool prompt = false;    // It hands over after each call of user code: the next one may block.
    base::Micros calm = 0;  // How long it has to be quick before it goes home; 0: never out.
    base::Micros home_since = 0;  // If it was out before.

    // ---- What is to be done with it.
    bool ready = false;                   // In the loop's ready list.
    bool opened = false;                  // Its open() or prepare() is over.
    base::Micros oldest_output = kNever;  // Of what it has emitted, and nobody has handed over.
    /// Its own ways into other inboxes, so that what it sends to one stays in order. By
    /// destination.
    std::vector<std::unique_ptr<Inbox<Batch>::Token>> tokens;

    // ---- For other threads; last, so that what they write is not where the loop reads.
    std::atomic<base::Micros> opening_since{0};  // In open() or prepare(); 0: it is not.
    std::atomic<bool> resumed{false};            // In its home's resume list.
    Executor* next_resumed = nullptr;            // There.

    Inbox<Batch>::Token& token(Entrance& target, std::uint32_t destination) {
        std::unique_ptr<Inbox<Batch>::Token>& token = tokens[destination];
        if (token == nullptr) token = std::make_unique<Inbox<Batch>::Token>(target.batches.token());
        return *token;
    }
};

}  // namespace storm::worker

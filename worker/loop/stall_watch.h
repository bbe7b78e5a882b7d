// Watches for user code that holds its loop: another thread then takes the loop over with all other
// executors, and the one that held it keeps its thread for itself (as if it were declared
// blocking()) until it is quick again, and is named in the log. It also names who is long in open()
// or prepare().
//
// Threads: one of its own. It sleeps as long as all loops do.
// Cost:    a look at one word of each loop every 5 to 20 ms.
//
// A thread that merely waits for a processor holds nothing: only one that computes for long enough,
// or sleeps at two looks in a row, does. On a machine with more to do than cores the difference
// matters. And a step of many short calls holds nothing either: it is over soon.
#pragma once

#include <memory>
#include <vector>

#include "base/event_count.h"
#include "base/thread.h"
#include "worker/queue/limits.h"

namespace storm::worker {

class Loop;
class Relief;
struct Shared;

class StallWatch {
public:
    StallWatch(const Shared& shared, Relief& relief) : shared_(shared), relief_(relief) {}

    void start(const std::vector<Loop*>& loops);
    /// A loop that slept has something to do again. Any thread.
    void stir() { sleep_.notify(); }
    /// After all began to stop.
    void join();

private:
    struct Watched {
        Loop* loop = nullptr;
        std::uint64_t word = 0;
        std::uint32_t progress = 0;  // Of the executor that is in the step.
        base::Micros since = 0;      // Neither has changed.
        base::Micros cpu_then = 0;   // The CPU time of the loop's thread at that moment.
        bool was_asleep = false;     // At the last look.
    };

    void run();
    /// Whether all loops have slept for a while.
    bool look_at_all();
    void look(Watched& watched, base::Micros now);
    static bool held(Watched& watched, base::Micros now);
    void look_at_opening(base::Micros now);

    const Shared& shared_;
    Relief& relief_;
    std::vector<Watched> loops_;
    base::EventCount sleep_;  // While all loops sleep.
    base::EventCount pause_;  // Between two looks.
    base::Micros pause_micros_ = kStallWatchMicros;
    base::Micros look_at_opening_ = 0;         // When to do so next.
    std::vector<base::Micros> opening_named_;  // By component: after how long it was named; 0: not.
    std::unique_ptr<base::Thread> thread_;
};

}  // namespace storm::worker

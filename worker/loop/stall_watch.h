// Watches for user code that holds its loop. Another thread then takes the loop over with all
// other executors; the one that held it keeps its thread for itself, as if it were declared
// blocking(), until it is quick again, and is named in the log. Components that spend long in
// open() or prepare() are named too.
//
// A thread that merely waits for a processor holds nothing; on a machine with more work than cores
// the difference matters. Held is a loop whose thread has computed for long enough in one call, or
// sleeps at two looks in a row. A step of many short calls holds nothing either: it is over soon.
//
// Threads: one of its own. It sleeps as long as all loops do.
// Cost:    a look at one word of each loop every 5 to 20 ms.
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
    /// A loop that slept runs again. Any thread.
    void stir() { sleep_.notify(); }
    /// To be called after all loops began to stop.
    void join();

private:
    struct Watched {
        Loop* loop = nullptr;
        std::uint64_t word = 0;
        std::uint32_t progress = 0;  // Progress of the executor in the step.
        base::Micros since = 0;      // Since then neither word nor progress has changed.
        base::Micros cpu_then = 0;   // CPU time of the loop's thread at that moment.
        bool was_asleep = false;     // At the last look.
    };

    void run();
    /// Returns whether all loops have slept for a while.
    bool look_at_all();
    void look(Watched& watched, base::Micros now);
    static bool held(Watched& watched, base::Micros now);
    void look_at_opening(base::Micros now);

    const Shared& shared_;
    Relief& relief_;
    std::vector<Watched> loops_;
    base::EventCount sleep_;  // Used while all loops sleep.
    base::EventCount pause_;  // Used between two looks.
    base::Micros pause_micros_ = kStallWatchMicros;
    base::Micros look_at_opening_ = 0;  // Time of the next look at slow open() calls.
    // How long each component had taken when it was last named; 0: not named.
    std::vector<base::Micros> opening_named_;
    std::unique_ptr<base::Thread> thread_;
};

}  // namespace storm::worker

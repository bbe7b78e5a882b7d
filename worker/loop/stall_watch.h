// Watches for user code that holds its loop: another thread then takes the loop over with all other
// executors, and the one that held it keeps its thread for itself (as if it were declared
// blocking()), and is named in the log.
//
// Threads: one of its own. It sleeps as long as all loops do.
// Cost:    a look at one word of each loop every 5 to 20 ms.
//
// A thread that merely waits for a processor holds nothing: only one that computes for long enough,
// or sleeps at two looks in a row, does. On a machine with more to do than cores the difference
// matters.
#pragma once

#include <memory>
#include <vector>

#include "base/event_count.h"
#include "base/thread.h"
#include "worker/queue/limits.h"

namespace storm::worker {

class Engine;
class Loop;

class StallWatch {
public:
    explicit StallWatch(Engine& engine) : engine_(engine) {}

    void start(const std::vector<Loop*>& loops);
    /// A loop that slept has something to do again. Any thread.
    void stir() { sleep_.notify(); }
    /// After the engine began to stop.
    void join();

private:
    struct Watched {
        Loop* loop = nullptr;
        std::uint64_t word = 0;
        base::Micros since = 0;     // The word has not changed.
        base::Micros cpu_then = 0;  // The CPU time of the loop's thread at that moment.
        bool was_asleep = false;    // At the last look.
    };

    void run();
    /// Whether all loops have slept for a while.
    bool look_at_all();
    void look(Watched& watched, base::Micros now);
    static bool held(Watched& watched, base::Micros now);

    Engine& engine_;
    std::vector<Watched> loops_;
    base::EventCount sleep_;  // While all loops sleep.
    base::EventCount pause_;  // Between two looks.
    base::Micros pause_micros_ = kStallWatchMicros;
    std::unique_ptr<base::Thread> thread_;
};

}  // namespace storm::worker

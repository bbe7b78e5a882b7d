// Which executor is due next.
//
// An executor's entry counts only while it equals the executor's `timer_due`; entries that a later
// one has replaced are skipped when their time comes.
//
// Threads: the loop's. Cost: O(log n) per change.
#pragma once

#include <queue>
#include <vector>

#include "base/clock.h"

namespace storm::worker {

class Executor;

struct TimerEntry {
    base::Micros due;
    Executor* executor;

    friend bool operator<(const TimerEntry& a, const TimerEntry& b) {
        return a.due > b.due;
    }  // The earliest on top.
};

using TimerHeap = std::priority_queue<TimerEntry>;

}  // namespace storm::worker

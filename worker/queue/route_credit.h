// How many channels of a route have no credit: whether what takes it has to wait.
//
// Threads: the emitting executor's.
#pragma once

namespace storm::worker {

struct RouteCredit {
    int targets = 0;          // Tasks.
    bool may_choose = false;  // Among all of them, for each row.
    int exhausted = 0;        // Channels, counted once for each of its tasks here.
    int gone = 0;             // Of these, those that nobody waits for.

    /// Whether the next row might need a channel that has no credit, and may get some.
    bool blocked() const {
        if (exhausted == gone) return false;
        return !may_choose || exhausted >= targets;
    }
};

}  // namespace storm::worker

// How many channels of a route have no credit, and whether the route has to wait for some.
//
// Threads: the emitting executor's.
#pragma once

namespace storm::worker {

struct RouteCredit {
    int targets = 0;          // Tasks.
    bool may_choose = false;  // It may choose among all tasks, for each row.
    int exhausted = 0;        // Channels, counted once for each of their tasks in this route.
    int gone = 0;             // The part of `exhausted` that nobody waits for.

    /// Whether the next row might need a channel that has no credit now, but may get some.
    bool blocked() const {
        if (exhausted == gone) return false;
        return !may_choose || exhausted >= targets;
    }
};

}  // namespace storm::worker

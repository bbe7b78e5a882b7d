// The message timeouts of all spouts: whether a row that has waited for long is still of use to
// somebody.
//
// A row names its roots, and each root its spout task. So one spout's patience is no other one's.
//
// Threads: immutable.
// Cost:    shortest() is all that a young row takes; for an old one a look at each of its roots.
#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.h"
#include "worker/wiring/wiring.h"

namespace storm::worker {

class MessageTimeouts {
public:
    explicit MessageTimeouts(const Wiring& wiring);

    /// No row that is younger has timed out; 0: none ever does.
    base::Micros shortest() const { return shortest_; }
    /// Whether nobody waits for the row any more: it has roots, and all of them are of spouts whose
    /// timeout is over. `age`: since when all its roots have existed, or a shorter time.
    /// REQUIRES: the roots are of spout tasks.
    bool are_over(const std::byte* row, base::Micros age) const;

private:
    base::Micros shortest_ = 0;
    std::vector<base::Micros> of_task_;  // Indexed by task id; 0: none.
};

}  // namespace storm::worker

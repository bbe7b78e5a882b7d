// Notices that a topology stands still because a spout may have no more tuples pending, while bolts
// keep those that are: each waits for the other until they time out.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "worker/run/status.h"

namespace storm::worker {

class PendingStall {
public:
    /// What to warn of, once for each standstill. Ask again and again, as often as you like.
    std::optional<std::string> look(const Snapshot& snapshot, base::Micros now);

private:
    std::uint64_t completed_ = 0;
    base::Micros since_ = 0;
    bool told_ = false;
};

}  // namespace storm::worker

// Notices that a topology stands still because a spout has reached its limit of pending tuples
// while bolts keep them: each waits for the other until the tuples time out.
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
    /// The warning, once per standstill. May be called as often as you like.
    std::optional<std::string> look(const Snapshot& snapshot, base::Micros now);

private:
    std::uint64_t completed_ = 0;
    base::Micros since_ = 0;
    bool told_ = false;
};

}  // namespace storm::worker

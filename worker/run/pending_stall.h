// Notices that a topology stands still because bolts keep tuples: a spout has reached its limit of
// pending ones, so that each waits for the other; the inputs have ended; or all tuples time out.
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
    /// A count that does not change.
    class Standstill {
    public:
        /// True once if it has lasted for long enough. `holds`: it is one that matters.
        bool is_due(std::uint64_t count, bool holds, base::Micros now);
        base::Micros since() const { return since_; }

    private:
        std::uint64_t count_ = 0;
        base::Micros since_ = 0;
        bool told_ = false;
    };

    Standstill completions_;
    Standstill acks_;
    std::uint64_t acked_ = 0;
    std::uint64_t failed_before_ = 0;  // Up to the last ack.
};

}  // namespace storm::worker

// What the components of a topology have done so far.
//
// Threads: taking one, from any; a snapshot is a plain value.
// Cost:    a few words for each task and stream; nothing to those that count.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "cluster/losses.h"
#include "worker/executor/shared.h"
#include "worker/executor/stats.h"

namespace storm::worker {

/// Over all tasks of a component.
struct ComponentSnapshot {
    struct StreamCounts {
        std::string stream;
        std::uint64_t emitted = 0;
        std::uint64_t transferred = 0;
    };
    struct InputCounts {
        std::string source;
        std::string stream;
        std::uint64_t executed = 0;
        std::uint64_t acked = 0;
        std::uint64_t failed = 0;
    };

    std::string id;
    bool is_spout = false;
    bool here = true;  // Some task of it runs in this worker.
    int executors = 0;
    int tasks = 0;
    std::vector<StreamCounts> streams;
    std::vector<InputCounts> inputs;  // Of bolts.
    std::uint64_t acked = 0;          // Of spouts: trees.
    std::uint64_t failed = 0;
    std::uint64_t pending = 0;
    std::uint64_t pending_max = 0;  // That all its tasks may have pending.
    std::uint64_t kept = 0;         // Of bolts.
    std::uint64_t dropped = 0;      // These four: see cluster::Losses.
    std::uint64_t lost_inputs = 0;
    std::uint64_t lost_emits = 0;
    std::uint64_t unreplayed = 0;
    std::uint64_t expired = 0;  // Of bolts: tuples that waited too long to be executed.
    std::uint64_t errors = 0;
    base::Micros opening = 0;  // For how long the slowest one is in prepare() or open(); 0: none.
    std::array<std::uint64_t, LatencyHistogram::kBuckets> complete_latency{};  // Of spouts.
    std::vector<std::string> last_errors;
    std::vector<std::string> statuses;  // Of its tasks that have one.
    std::vector<std::pair<std::string, std::uint64_t>> user_counters;  // Summed over tasks.

    cluster::Losses losses() const { return {dropped, lost_inputs, lost_emits, unreplayed}; }
};

/// Of each component, as in the topology.
using Snapshot = std::vector<ComponentSnapshot>;

Snapshot take_snapshot(const Shared& shared);

}  // namespace storm::worker

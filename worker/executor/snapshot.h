// Counts of the components of a topology so far.
//
// Threads: any may take one; a snapshot is a plain value.
// Cost:    a few words per task and stream; nothing for the tasks that count.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "cluster/losses.h"
#include "cluster/reports.h"
#include "worker/executor/shared.h"
#include "worker/executor/stats.h"

namespace storm::worker {

/// Sums over all tasks of a component.
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
    bool here = true;  // Some of its tasks run in this worker.
    int executors = 0;
    int tasks = 0;
    std::vector<StreamCounts> streams;
    std::vector<InputCounts> inputs;  // Bolts only.
    std::uint64_t acked = 0;          // Spouts: trees.
    std::uint64_t failed = 0;
    std::uint64_t pending = 0;
    std::uint64_t pending_max = 0;  // Limit of pending trees of all its tasks.
    std::uint64_t kept = 0;         // Bolts only.
    std::uint64_t kept_at_end = 0;  // Those of them that are still kept after inputs_ended().
    std::uint64_t dropped = 0;      // For these four see cluster::Losses.
    std::uint64_t lost_inputs = 0;
    std::uint64_t lost_emits = 0;
    std::uint64_t unreplayed = 0;
    std::uint64_t expired = 0;  // Bolts: tuples that waited too long to be executed.
    std::uint64_t errors = 0;
    // How long the slowest task has been in prepare() or open(), and which one it is; 0: none is.
    base::Micros opening = 0;
    TaskId opening_task = 0;
    std::array<std::uint64_t, LatencyHistogram::kBuckets> complete_latency{};  // Spouts only.
    std::vector<cluster::ReportedError> last_errors;
    std::vector<cluster::TaskStatus> statuses;  // Those of the tasks that have set one.
    std::vector<std::pair<std::string, std::uint64_t>> user_counters;  // Summed over tasks.

    cluster::Losses losses() const { return {dropped, lost_inputs, lost_emits, unreplayed}; }
};

/// Indexed by component, as in the topology.
using Snapshot = std::vector<ComponentSnapshot>;

Snapshot take_snapshot(const Shared& shared);

}  // namespace storm::worker

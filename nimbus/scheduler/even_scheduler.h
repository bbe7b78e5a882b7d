// Assigns workers to slots. Storm's EvenScheduler in spirit, but stability comes first:
//
//   1. A worker whose slot is still good stays: number, Supervisor, port and slot epoch.
//   2. Missing workers get free slots: hosts with the fewest workers of this topology first, then
//      those with the most free slots.
//   3. Executors are spread over as many workers as there are (spread.h). A worker that gets other
//      executors than before gets a new slot epoch too, and its Supervisor starts it anew.
//   4. If slots are short, there are fewer workers; they grow again when slots come. Both restart
//      healthy workers. So a worker whose Supervisor was lost a moment ago keeps its place if there
//      is no other, and slots of a Supervisor that has just come back make no topology grow.
//   5. Without any slot an assignment stays as it is: a worker that waits for its Supervisor to
//      return is better off than one that is stopped.
//
// Topologies are served in the order given. Nothing moves without need: the same input, with the
// results of the last call, gives the same results again.
//
// Threads: pure functions.
// Cost:    one pass over Supervisors and slots, one over taken slots; then, for each demand, its
//          executors, and the Supervisors times the workers that it lacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cluster/description.h"
#include "cluster/records.h"

namespace storm::nimbus {

/// A topology that wants to run.
struct Demand {
    const cluster::Description* description = nullptr;
    std::size_t workers = 1;
    cluster::Assignment current;   ///< Epoch 0: there was none before.
    std::uint64_t next_epoch = 0;  ///< Epoch for a changed assignment; 0: the next after its own.
    /// Keeps the slots that it has and gets no others, because it is being killed.
    bool settled = false;
    // Cached; 0: unknown.
    std::size_t useful = 0;  ///< useful_workers() of its description.
    std::size_t spread = 0;  ///< Placement::spread of `current`.
};

struct Supply {
    std::map<std::string, cluster::SupervisorRecord> supervisors;
    /// Absent, but expected back: workers there stay.
    std::set<std::string> expected;
    /// Lost a moment ago: workers there wait if others would have to be restarted instead.
    std::set<std::string> missed = {};
    /// Just back after having been lost.
    std::set<std::string> unsteady = {};
    /// Slots taken by others than the demands; borrowed.
    std::vector<const cluster::WorkerSlot*> taken = {};
};

struct Placement {
    cluster::Assignment assignment;  ///< The old epoch if nothing changed.
    bool changed = false;
    bool complete = false;  ///< It has everything it wants; only a loss can change that.
    /// Number of workers that its executors were spread over; 0: by no rule.
    std::size_t spread = 0;
    /// Reasons why executors have no place, as text; else empty.
    std::vector<std::string> unassigned;
    std::vector<std::string> notes;  ///< Deviations from what was asked for, as text.
};

/// One result per demand, in the same order.
std::vector<Placement> schedule(const std::vector<Demand>& demands, const Supply& supply);

/// The reason why a program cannot run on that host; empty: it can.
std::string misfit(const cluster::Description& program, const cluster::SupervisorRecord& host);

}  // namespace storm::nimbus

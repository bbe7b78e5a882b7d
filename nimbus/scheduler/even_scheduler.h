// Which worker of which topology runs in which slot. Storm's EvenScheduler in spirit, with
// stability first:
//
//   1. A worker whose slot is still good stays: number, Supervisor, port and slot epoch.
//   2. Missing workers get free slots: hosts with the fewest workers of this topology first, then
//      those with the most free slots.
//   3. Executors are spread over as many workers as there are (spread.h). A worker that gets other
//      executors than before gets a new slot epoch too: its Supervisor starts it anew.
//   4. When slots are short there are fewer workers; they grow again when slots come. Both start
//      healthy workers anew, so a worker whose Supervisor was lost a moment ago keeps its place, if
//      there is no other, and slots of a Supervisor that has just come back make none grow.
//   5. Without any slot an assignment stays as it is: what waits for its Supervisor to return is
//      better off than what is stopped.
//
// Topologies are served in the order given. Nothing moves without need: the same input and what
// came of it give the same again.
//
// Threads: pure functions.
// Cost:    Supervisors and their slots once, and the slots that are taken once; then, for each
//          demand, its executors, and the Supervisors times the workers that it lacks.
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
    std::uint64_t next_epoch = 0;  ///< Of what differs from it; 0: its epoch and one.
    bool settled = false;          ///< Keeps the slots it has, gets no others: it is being killed.
    // What need not be found out again; 0: it is not known.
    std::size_t useful = 0;  ///< useful_workers() of its description.
    std::size_t spread = 0;  ///< As Placement has it, of `current`.
};

struct Supply {
    std::map<std::string, cluster::SupervisorRecord> supervisors;
    /// Not among them, but they are taken to come back: what runs there stays.
    std::set<std::string> expected;
    /// Lost, but a moment ago: what ran there waits, where others would have to be started anew.
    std::set<std::string> missed = {};
    /// Just back after they were lost.
    std::set<std::string> unsteady = {};
    /// Besides those of demands; borrowed.
    std::vector<const cluster::WorkerSlot*> taken = {};
};

struct Placement {
    cluster::Assignment assignment;  ///< Epoch as before when nothing changed.
    bool changed = false;
    bool complete = false;   ///< It has all that it wants: nothing but a loss can change that.
    std::size_t spread = 0;  ///< Workers that its executors were spread over; 0: by no rule.
    std::vector<std::string> unassigned;  ///< Why executors have no place, in words; else empty.
    std::vector<std::string> notes;       ///< Why it is not as was asked for, in words.
};

/// One for each demand, in their order.
std::vector<Placement> schedule(const std::vector<Demand>& demands, const Supply& supply);

/// Why a program cannot run there; empty: it can.
std::string misfit(const cluster::Description& program, const cluster::SupervisorRecord& host);

}  // namespace storm::nimbus

// The states of a topology, and the transitions between them.
//
//                activate, deactivate             all tasks have ended
//     submitted ──► ACTIVE ◄────────► INACTIVE ────────────┐
//                   ▲ │ └────────────────┼─────────────► FINISHED
//                   │ ├──── rebalance ───┤                 │
//                   │ ▼                  ▼                 │ kill
//                REBALANCING ─(as below)─► as before       │
//                     │ kill             │ kill            │
//                     ▼                  ▼                 ▼
//                  KILLED ──(all workers are gone, or the wait and a grace are over)──► removed
//
// A kill of a topology that is being killed gives it a new wait, starting now. Nothing else
// affects it. A rebalance drains the workers like a kill; then the topology gets new ones.
//
// Time:    the leader measures a wait by its own clock, from the moment it learned of the kill. A
//          new leader starts it again, so the time of day on two hosts decides nothing.
// Threads: pure functions.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "cluster/records.h"

namespace storm::nimbus {

/// The part of a TopologyRecord that changes.
struct Fate {
    cluster::Status status = cluster::Status::kActive;
    std::int64_t killed_ms = 0;     ///< Since 1970, for people.
    std::int64_t kill_wait_ms = 0;  ///< Time for draining, by a kill or a rebalance.
    cluster::Rebalance rebalance = {};

    friend bool operator==(const Fate&, const Fate&) = default;
};

Fate fate_of(const cluster::TopologyRecord& record);
void set_fate(cluster::TopologyRecord& record, const Fate& fate);

// Requests of users. An error says why the status does not allow it.
base::Result<Fate> activate(const Fate& fate);
base::Result<Fate> deactivate(const Fate& fate);
Fate kill(const Fate& fate, std::int64_t wait_ms, std::int64_t now_ms);
/// `asked` says what is to change.
base::Result<Fate> rebalance(const Fate& fate, std::int64_t wait_ms,
                             const cluster::Rebalance& asked);
/// Ends a rebalance: it is as before. REQUIRES: status is REBALANCING.
Fate rebalanced(const Fate& fate);

/// Called when every task of every worker has ended.
Fate finish(const Fate& fate);

/// Whether a kill or a rebalance has nothing left to wait for. `workers_gone`: none of its
/// processes is left. `known`: the time since the leader learned of it.
bool is_over(const Fate& fate, bool workers_gone, base::Micros known);
/// The `known` from which is_over() is true even if workers are left. REQUIRES: it is draining.
base::Micros over_after(const Fate& fate);

/// Whether its workers should run, so that it is scheduled.
bool is_running(const Fate& fate);

}  // namespace storm::nimbus

// The states of a topology, and what leads from one to the next.
//
//                activate, deactivate             all tasks have ended
//     submitted ──► ACTIVE ◄────────► INACTIVE ────────────┐
//                     │  └───────────────┼────────────► FINISHED
//                     │ kill             │ kill            │ kill
//                     ▼                  ▼                 ▼
//                  KILLED ──(all workers are gone, or the wait and a grace are over)──► removed
//
// A kill of what is being killed gives it a new wait, from now on. Nothing else touches it.
//
// Time:    milliseconds since 1970, as told: what is decided must be the same after a restart, on
//          another machine.
// Threads: pure functions.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "cluster/records.h"

namespace storm::nimbus {

/// The part of a TopologyRecord that changes.
struct Fate {
    cluster::Status status = cluster::Status::kActive;
    std::int64_t killed_ms = 0;
    std::int64_t kill_wait_ms = 0;

    friend bool operator==(const Fate&, const Fate&) = default;
};

Fate fate_of(const cluster::TopologyRecord& record);
void set_fate(cluster::TopologyRecord& record, const Fate& fate);

// What users ask for. The error says why its status does not allow it.
base::Result<Fate> activate(const Fate& fate);
base::Result<Fate> deactivate(const Fate& fate);
Fate kill(const Fate& fate, std::int64_t wait_ms, std::int64_t now_ms);

/// Every task of every worker has ended.
Fate finish(const Fate& fate);

/// Whether nothing is left to wait for. `workers_gone`: no process of it is left.
bool is_over(const Fate& fate, bool workers_gone, std::int64_t now_ms);
/// When is_over() becomes true by time alone. REQUIRES: status is KILLED.
std::int64_t over_at_ms(const Fate& fate);

/// Whether its workers should run, so that it is scheduled.
bool is_running(const Fate& fate);

}  // namespace storm::nimbus

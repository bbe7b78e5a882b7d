// A worker process of a cluster: runs its share of a topology, under the orders of its Supervisor.
//
//     bootstrap ─► build the topology ─► agree with what was submitted ─► engine, links, /metrics
//         ─► run, report ─► Stop, or every task has ended and the assignment says FINISHED
//
// Exit codes: 0 done or told to stop, 1 failed, kExitFenced if others have fenced this incarnation,
// or its share of the topology has changed.
#pragma once

#include <storm/run.h>

namespace storm::worker {

/// Reads the Bootstrap from cluster::kBootstrapDescriptor.
int serve_worker(TopologyFactory make);

}  // namespace storm::worker

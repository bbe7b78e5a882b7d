// A worker process of a cluster: runs its share of a topology, as its Supervisor tells it.
//
//     bootstrap ─► build the topology ─► agree with what was submitted ─► engine, links, /metrics
//         ─► run, report ─► Stop, or every task has ended and the assignment says FINISHED
//
// Exit codes: 0 done or told to stop, 1 failed, kExitFenced when others have given this incarnation
// up, or its part of the topology has changed.
#pragma once

#include <storm/run.h>

namespace storm::worker {

/// The Bootstrap is read from cluster::kBootstrapDescriptor.
int serve_worker(TopologyFactory make);

}  // namespace storm::worker

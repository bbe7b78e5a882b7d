// A worker's report to its Supervisor.
//
// Threads: any; reads the tasks' counters.
#pragma once

#include "cluster/reports.h"
#include "worker/executor/shared.h"

namespace storm::worker {

/// State and counts; the caller adds what is unknown here.
cluster::WorkerReport make_report(const Shared& shared, RunState::State state);

}  // namespace storm::worker

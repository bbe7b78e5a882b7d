// What a worker tells its Supervisor of itself.
//
// Threads: any; reads what the tasks count.
#pragma once

#include "cluster/reports.h"
#include "worker/executor/shared.h"

namespace storm::worker {

/// State and counts; the caller adds what is not known here.
cluster::WorkerReport make_report(const Shared& shared, RunState::State state);

}  // namespace storm::worker

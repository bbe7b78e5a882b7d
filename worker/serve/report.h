// What a worker tells its Supervisor of itself.
//
// Threads: any; reads the engine's counts.
#pragma once

#include "cluster/reports.h"
#include "worker/engine.h"

namespace storm::worker {

/// State and counts; the caller adds what the engine does not know.
cluster::WorkerReport make_report(const Engine& engine, Engine::State state);

}  // namespace storm::worker

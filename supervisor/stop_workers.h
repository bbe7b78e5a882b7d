// Ends the workers that a Supervisor has left running: `storm-supervisor --stop-workers`.
//
// Threads: one. It takes the Supervisor's lock, so that none starts them again.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "supervisor/settings.h"

namespace storm::supervisor {

/// SIGTERM to all of them, SIGKILL to those that are left after
/// supervisor.worker.shutdown.sleep.secs. How many there were. The error: a Supervisor runs there,
/// or one of them does not end.
base::Result<std::size_t> stop_workers(const Settings& settings);

}  // namespace storm::supervisor

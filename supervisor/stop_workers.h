// Ends the workers that a Supervisor has left running: `storm-supervisor --stop-workers`.
//
// Threads: one. Takes the Supervisor's lock, so that none starts them again.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "supervisor/settings.h"

namespace storm::supervisor {

/// Sends SIGTERM to all of them, then SIGKILL to those that are left after
/// supervisor.worker.shutdown.sleep.secs. Returns how many there were. An error if a Supervisor
/// runs there, or a worker does not end.
base::Result<std::size_t> stop_workers(const Settings& settings);

}  // namespace storm::supervisor

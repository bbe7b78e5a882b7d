// Whose code does not return, when the engine could not be stopped.
//
// Each loop says whose code it calls.
//
// Threads: any.
#pragma once

#include <string>
#include <vector>

#include "worker/executor/executor.h"

namespace storm::worker {

/// `"split" (task 4) or "count" (tasks 2-3)`. `executors`: whose code is being called, after the
/// engine could not be stopped.
std::string stuck_components(const std::vector<Executor*>& executors);

}  // namespace storm::worker

// Names the components whose code does not return, if the engine could not be stopped.
//
// Threads: any.
#pragma once

#include <string>
#include <vector>

#include "worker/executor/executor.h"

namespace storm::worker {

/// `"split" (task 4) or "count" (task 2)`. `executors` are those in user code after the engine
/// could not be stopped.
std::string stuck_components(const std::vector<Executor*>& executors);

}  // namespace storm::worker

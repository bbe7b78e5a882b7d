// Whose code does not return, when the engine could not be stopped.
//
// Each loop says whose code it calls.
//
// Threads: any.
#pragma once

#include <string>

#include "worker/engine.h"

namespace storm::worker {

/// `"split" (task 4) or "count" (tasks 2-3)`. After Engine::stop() has returned false.
std::string stuck_components(Engine& engine);

}  // namespace storm::worker

// Whose code does not return, when the engine could not be stopped.
//
// The kernel knows which threads of the engine are still there, by the names that the engine gave
// them. Where several components share a thread, it names all that may be meant.
//
// Threads: any.
#pragma once

#include <string>

#include "worker/engine.h"

namespace storm::worker {

/// `"split" (task 4) or "count" (tasks 2-3)`. After Engine::stop() has returned false.
std::string stuck_components(Engine& engine);

}  // namespace storm::worker

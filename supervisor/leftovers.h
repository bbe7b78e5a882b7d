// Ends programs that the user code of an ended worker has left running, as leftover_rules.h finds
// them: in any process group or session, and also if the worker was not our child.
//
// Threads: any. Blocks, at most for kLeftoverPatience and the walks.
// Cost:    kLeftoverPasses walks over /proc at most, one if there are none; see process_table.h.
#pragma once

#include <cstddef>

#include "supervisor/leftover_rules.h"
#include "supervisor/places.h"

namespace storm::supervisor {

/// Kills them, and waits a limited time for them to end. Returns how many there were. REQUIRES: the
/// worker has ended, and its successor has not started.
std::size_t end_leftovers(const WorkerMarks& worker, const Others& others);
/// The same; finds the users of the topologies itself, and logs how many there were.
void end_leftovers(const Places& places, WorkerMarks worker, Others others);

}  // namespace storm::supervisor

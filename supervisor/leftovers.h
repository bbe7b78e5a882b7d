// Ends programs that the user code of an ended worker has left running.
//
// They are recognized by the worker's session, or by environment variables that they inherited:
// topology, number and port, which on a host belong to one worker at a time. So they are found in
// any process group or session, and also if the worker was not our child. A program that gives up
// both is found by its user, if the topology has a user of its own and no process of that user
// belongs to another worker.
//
// Threads: any. Blocks.
// Cost:    a walk over /proc, 20 to 50 microseconds per process; a second one if there is a user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace storm::supervisor {

struct WorkerMarks {
    std::string topology;
    std::uint32_t number = 0;
    std::uint16_t port = 0;
    pid_t pid = 0;                   ///< The worker's pid; 0: unknown.
    std::optional<uid_t> user = {};  ///< The user of its topology; nothing: it has none of its own.
};

/// Kills them, and waits a limited time for them to end. Returns how many there were. REQUIRES: the
/// worker has ended, and its successor has not started.
std::size_t end_leftovers(const WorkerMarks& worker);

}  // namespace storm::supervisor

// What a worker that has ended has left behind: programs that its user code started.
//
// They are known by the session that they share with it, or by what its environment said of it,
// which they have inherited: topology, number and port, which together are one worker's of this
// host at a time. So they are found wherever they went (another group, another session), and also
// those of a worker that was not our child. One that gives up both is not found.
//
// Threads: any; it blocks.
// Cost:    a walk over /proc, 20 to 50 microseconds a process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <sys/types.h>

namespace storm::supervisor {

struct WorkerMarks {
    std::string topology;
    std::uint32_t number = 0;
    std::uint16_t port = 0;
    pid_t pid = 0;  ///< That it had; 0: not known.
};

/// Kills them, and waits until they have ended, but not for long. How many there were.
/// REQUIRES: the worker has ended, and its successor is not there yet.
std::size_t end_leftovers(const WorkerMarks& worker);

}  // namespace storm::supervisor

// Decides which processes an ended worker has left behind, by what is known of all processes.
//
// A process is one of its leftovers
//
//     by session       its session is the worker's, and it could not be anybody else's by chance
//     by marks         its environment has the worker's topology, number and port, and our home
//     by user          the user is the topology's own, and no other worker that lives is his
//
// but never if it is another worker of this Supervisor, that one's descendant, or in its session:
// user code may have overwritten its environment, but not whom we have started.
//
// Several Supervisors may see the same processes: on one host, or in networks of their own, where
// even ports are the same. So the home in the environment tells whose a worker is.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "supervisor/process_table.h"

namespace storm::supervisor {

/// A worker that has ended.
struct WorkerMarks {
    std::string topology;
    std::uint32_t number = 0;
    std::uint16_t port = 0;
    pid_t pid = 0;                   ///< The worker's pid; 0: unknown.
    std::uint64_t start_time = 0;    ///< As in Process; 0: unknown.
    std::optional<uid_t> user = {};  ///< The user of its topology; nothing: it has none of its own.
};

/// Another worker of this Supervisor, which lives or is being started.
struct OtherWorker {
    std::string topology;
    pid_t pid = 0;                   ///< 0: not known yet.
    std::optional<uid_t> user = {};  ///< As in WorkerMarks.
};

struct Others {
    std::vector<OtherWorker> workers;
    /// Ports of this Supervisor's slots. A process with one of them in its environment and no home,
    /// as older versions started workers, is not a worker unless it is in `workers`. One with
    /// another port may be a worker of another Supervisor on this host.
    std::set<std::uint16_t> ports;
    /// This Supervisor's Identity::home; empty: it had none yet. A process with another one is
    /// another Supervisor's.
    std::string home = {};
};

/// In the order of `processes`.
std::vector<Process> leftovers_among(const std::vector<Process>& processes,
                                     const WorkerMarks& worker, const Others& others);

}  // namespace storm::supervisor

// A small file per worker: what a Supervisor must know about it after its own death.
//
// Written before each start, with the new count, so that no incarnation comes twice; and after it,
// with the process.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "supervisor/places.h"
#include "supervisor/worker_process.h"

namespace storm::supervisor {

struct SavedWorker {
    std::string topology;
    std::uint32_t number = 0;
    std::uint16_t port = 0;
    std::uint64_t epoch = 0;
    std::uint32_t starts = 0;
    std::uint32_t skipped = 0;     ///< As in History.
    bool finished = false;         ///< All of its tasks have ended.
    bool running = false;          ///< A process was to be started, and has not been seen to end.
    pid_t pid = 0;                 ///< Pid of the running process; 0: unknown.
    std::uint64_t start_time = 0;  ///< Start time of that process, as in /proc/PID/stat.
    std::string boot = {};         ///< boot_id() of its start; empty: unknown.
    std::string token_hash;        ///< SHA-256 of the worker's token, in hex.

    friend bool operator==(const SavedWorker&, const SavedWorker&) = default;
};

base::Result<base::Done> write_state(const Places& places, const SavedWorker& state);
base::Result<SavedWorker> read_state(const Places& places, const std::string& topology,
                                     std::uint32_t number);
/// The same; nothing: there is none, or it makes no sense, and the log says so. An error means that
/// the disk does not give what may be there, which must not be written over.
base::Result<std::optional<SavedWorker>> read_state_if_any(const Places& places,
                                                           const std::string& topology,
                                                           std::uint32_t number);
struct SavedWorkers {
    std::vector<SavedWorker> workers;
    std::vector<std::string> unreadable;  ///< Why each of the others is left out.
};
/// States of all workers that ever ran here and have not been cleaned up.
SavedWorkers read_states(const Places& places);

/// Whether it was started since the last boot of the host: otherwise nothing of it can be left.
bool is_of_this_boot(const SavedWorker& state);
/// Its process; nothing: it has ended.
std::optional<WorkerProcess> find_process(const Places& places, const SavedWorker& state);

}  // namespace storm::supervisor

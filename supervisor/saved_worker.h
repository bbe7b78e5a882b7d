// What a Supervisor must know of a worker after its own death: a small file for each worker.
//
// Written before each start (with the new count, so that no incarnation comes twice) and after it
// (with the process).
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "supervisor/places.h"

namespace storm::supervisor {

struct SavedWorker {
    std::string topology;
    std::uint32_t number = 0;
    std::uint16_t port = 0;
    std::uint64_t epoch = 0;
    std::uint32_t starts = 0;
    std::uint32_t skipped = 0;     ///< As in History.
    bool finished = false;         ///< All its tasks have ended.
    bool running = false;          ///< A process was to be started, and has not been seen to end.
    pid_t pid = 0;                 ///< With `running`; 0: not known.
    std::uint64_t start_time = 0;  ///< Of the process, as in /proc/PID/stat.
    std::string token_hash;        ///< SHA-256 of its token, as hex digits.

    friend bool operator==(const SavedWorker&, const SavedWorker&) = default;
};

base::Result<base::Done> write_state(const Places& places, const SavedWorker& state);
base::Result<SavedWorker> read_state(const Places& places, const std::string& topology,
                                     std::uint32_t number);
/// Of all workers that ever ran here and are not cleaned up. What cannot be read is left out, with
/// a line in the log.
std::vector<SavedWorker> read_states(const Places& places);

}  // namespace storm::supervisor

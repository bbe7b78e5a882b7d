// Why a worker ended that was not told to, in words for those who must act on it.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "supervisor/slot.h"
#include "supervisor/worker_process.h"

namespace storm::supervisor {

/// The signs that a worker which has ended shows from outside.
struct Symptoms {
    Exit exit;
    EndReason reason = EndReason::kCrash;
    std::string failure;                   ///< Its own last words to its Supervisor.
    std::vector<std::string> last_stderr;  ///< Lines.
    std::uint64_t memory_max = 0;          ///< Its limit in bytes. 0: none, or unknown.
    bool kernel_has_killed = false;        ///< Some process, for lack of memory, while it ran.
};

/// Such as "killed by signal 9 (SIGKILL), probably by the kernel: this host has run out of memory".
std::string why_ended(const Symptoms& symptoms);

}  // namespace storm::supervisor

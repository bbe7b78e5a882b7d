// Keeps what a worker has printed within bounds while nobody else does: a Supervisor cuts the logs
// of its workers, and workers run on without one.
//
// Threads: any.
#pragma once

#include <cstdint>

namespace storm::worker {

/// Of a file that has over `bytes_max` bytes, the later half is kept, at least about; where that
/// cannot be done, nothing. What is no file stays as it is.
void keep_short(int descriptor, std::uint64_t bytes_max);

/// Of stdout and stderr.
void keep_own_logs_short();

}  // namespace storm::worker

// Limits the size of a worker's logs while no Supervisor does: workers run on without one.
//
// Threads: any.
#pragma once

#include <cstdint>

namespace storm::worker {

/// Keeps about the later half of a file with more than `bytes_max` bytes. If the file system cannot
/// do that, the file is emptied. Anything that is not a file stays as it is.
void keep_short(int descriptor, std::uint64_t bytes_max);

/// For stdout and stderr.
void keep_own_logs_short();

}  // namespace storm::worker

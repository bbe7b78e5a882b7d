// stdin, stdout and stderr of a topology's program.
//
// Threads: the main one.
#pragma once

namespace storm::worker {

/// Occupies those that are closed, so that no file or socket of ours gets what is written to them:
/// reading or writing there fails, as before.
void fill_closed_streams();

/// Whether everything written to stdout, through any interface, has arrived. Flushes buffers. Lost
/// results are a failure.
bool stdout_is_written();

}  // namespace storm::worker

// stdin, stdout and stderr of a topology's program.
//
// Threads: the main one.
#pragma once

namespace storm::worker {

/// Takes the places of those that are closed, so that no file or socket of ours gets what is
/// written to them: to read or write there fails, as it did.
void fill_closed_streams();

/// Whether all that was written to stdout is there, by whatever means of the language it was.
/// Writes what is still in buffers. Results that nobody gets are a failure.
bool stdout_is_written();

}  // namespace storm::worker

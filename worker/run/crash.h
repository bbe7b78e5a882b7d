// Reports a crash of a topology's process, with the task whose code the thread was running.
//
// Order:   as base::tell_of_crashes().
// Threads: any.
#pragma once

namespace storm::worker {

void tell_of_crashes();

}  // namespace storm::worker

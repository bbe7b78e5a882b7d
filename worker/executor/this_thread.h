// A fact about the calling thread.
#pragma once

namespace storm::worker {

/// It runs executors, so it must not wait for anything that only executors can do.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
inline thread_local bool this_thread_runs_executors = false;

}  // namespace storm::worker

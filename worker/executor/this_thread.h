// What a thread knows of itself.
#pragma once

namespace storm::worker {

/// It runs executors: it must not wait for what only executors can bring about.
inline thread_local bool this_thread_runs_executors = false;

}  // namespace storm::worker

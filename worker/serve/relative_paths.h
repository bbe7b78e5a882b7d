// A hint for failures of user code that look for a relative path: on a cluster, such paths begin at
// the worker's folder, which the user has never seen.
//
// Threads: pure functions.
#pragma once

#include <string>

#include <storm/config.h>

namespace storm::worker {

/// `failure`, with a hint if it names the value of one of the user's own settings, and that value
/// may be a relative path. `folder`: where relative paths begin.
std::string with_path_hint(const std::string& failure, const Config& config,
                           const std::string& folder);

}  // namespace storm::worker

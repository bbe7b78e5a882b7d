// Checks that the topology built by a worker is the one that was submitted.
//
// Components, their kinds, numbers of executors and tasks, streams and inputs must be equal;
// otherwise this worker would number tasks differently from the others.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace storm::worker {

/// The first relevant difference between two descriptions (worker/run/describe.h), as text; empty:
/// none.
std::string difference(std::string_view submitted, std::string_view built);

}  // namespace storm::worker

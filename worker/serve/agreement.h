// Whether a topology, built again by a worker, is the one that was submitted.
//
// Components, their kinds, numbers of executors and tasks, streams and inputs must be the same; or
// tasks would be numbered differently here than in the other workers.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace storm::worker {

/// The first difference between two descriptions (worker/run/describe.h), in words; empty: none
/// that matters.
std::string difference(std::string_view submitted, std::string_view built);

}  // namespace storm::worker

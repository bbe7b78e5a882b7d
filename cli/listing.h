// What Nimbus answers, as tables for people.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "cli/json.h"
#include "cli/terminal.h"

namespace storm::cli {

std::string topologies_text(const Json& answer, const Terminal& terminal);
std::string supervisors_text(const Json& answer, const Terminal& terminal);
std::string nimbuses_text(const Json& answer, const Terminal& terminal);
std::string errors_text(const Json& answer, const Terminal& terminal);
std::string health_text(const Json& health, const Json& supervisors, const Terminal& terminal);
/// One topology, whole.
std::string topology_text(const Json& topology, const Terminal& terminal);

/// What did not go through, line by line; empty: nothing is known to be lost.
std::string losses_text(const Json& topology);
/// Why executors have no place: a line each.
std::string unassigned_text(const Json& topology);
/// The same, and why workers do not run, with their last words. Nothing when all is well.
std::string troubles_text(const Json& topology);

}  // namespace storm::cli

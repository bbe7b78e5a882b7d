// Nimbus' answers as tables for people.
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
/// One topology in full.
std::string topology_text(const Json& topology, const Terminal& terminal);

/// One line per kind of loss; empty: no known loss.
std::string losses_text(const Json& topology);
/// One line for each reason why executors have no place.
std::string unassigned_text(const Json& topology);
/// The same, and why workers do not run, with their last words. Empty if all is well.
std::string troubles_text(const Json& topology);

}  // namespace storm::cli

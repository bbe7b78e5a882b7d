// Finds everything that is wrong with a topology at once, so that a person corrects it once.
//
// Threads: one.
#pragma once

#include <vector>

#include <storm/topology.h>

#include "topology-api/src/mistakes.h"

namespace storm::detail {

/// Asks each component for its outputs and fills them in; then checks the whole. First come those
/// that could not be asked, then what is wrong with each, in their order, then what concerns all of
/// them.
std::vector<Mistake> check_topology(std::vector<Component>& components);

}  // namespace storm::detail

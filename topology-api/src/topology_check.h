// Finds all mistakes of a topology at once, so that a person can correct them in one go.
//
// Threads: one.
#pragma once

#include <vector>

#include <storm/topology.h>

#include "topology-api/src/mistakes.h"

namespace storm::detail {

/// Asks each component for its outputs and fills them in; then checks the whole. First come the
/// components that could not be asked, then the mistakes of each component in order, then those
/// that concern all.
std::vector<Mistake> check_topology(std::vector<Component>& components);

}  // namespace storm::detail

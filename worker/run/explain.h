// A topology for people: the output of --explain.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "cluster/settings_layers.h"
#include "worker/wiring/wiring.h"

namespace storm::worker {

/// `wiring` must be made from the topology and these settings, as the engine does.
std::string explain(const std::string& name, const Wiring& wiring,
                    const cluster::LayeredSettings& settings);

}  // namespace storm::worker

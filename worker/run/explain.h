// A topology for people: what --explain prints.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "cluster/settings_layers.h"
#include "worker/wiring/wiring.h"

namespace storm::worker {

/// `wiring` as the engine would make it from the topology and these settings.
std::string explain(const std::string& name, const Wiring& wiring,
                    const cluster::LayeredSettings& settings);

}  // namespace storm::worker

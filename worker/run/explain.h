// A topology for people: what --explain prints.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "worker/engine.h"
#include "worker/run/settings_layers.h"

namespace storm::worker {

/// `wiring` as the engine would make it from the topology and these settings.
std::string explain(const std::string& name, const Wiring& wiring, const LayeredSettings& settings);

}  // namespace storm::worker

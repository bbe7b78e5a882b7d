// What the engine knows of a spout beside its calls.
#pragma once

#include <storm/spout.h>

namespace storm::detail {

struct SpoutAccess {
    /// Its class does not override fail(): nothing is emitted again. Known once fail() was called.
    static bool ignores_failures(const Spout& spout) { return spout.ignores_failures_; }
};

}  // namespace storm::detail

// Lets the engine see what Spout hides from users.
#pragma once

#include <storm/spout.h>

namespace storm::detail {

struct SpoutAccess {
    /// Whether the spout's class does not override fail(), so that nothing is emitted again. Known
    /// once fail() was called.
    static bool ignores_failures(const Spout& spout) { return spout.ignores_failures_; }
};

}  // namespace storm::detail

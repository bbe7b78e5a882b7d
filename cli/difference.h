// Compares two descriptions that a program gave of itself.
//
// A program must build the same topology each time, because every worker builds it anew.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>

#include "cli/json.h"

namespace storm::cli {

/// Names the first component that differs, and how. Nothing: they are equal.
std::optional<std::string> difference(const Json& first, const Json& second);

}  // namespace storm::cli

// Where two descriptions that a program gave of itself differ.
//
// A topology has to be the same each time that its program builds it: every worker builds it anew.
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

// Why a command cannot go on: its exit code, the message, and a hint.
//
// Thrown, although most causes lie in the world: a command is a straight line that ends at the
// first problem, and nothing between there and main() could do anything about it. Only main()
// catches it.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "cli/exit_code.h"

namespace storm::cli {

class Failure : public std::runtime_error {
public:
    Failure(ExitCode code, const std::string& what, std::string hint = {})
        : std::runtime_error(what), code_(code), hint_(std::move(hint)) {}

    ExitCode code() const { return code_; }
    const std::string& hint() const { return hint_; }  ///< May be empty.

private:
    ExitCode code_;
    std::string hint_;
};

/// There is no such topology any more, but some of its workers may still run.
class StillRuns final : public Failure {
public:
    using Failure::Failure;
};

}  // namespace storm::cli

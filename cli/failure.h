// Why a command cannot go on: what the program ends with, what to tell, and what to do about it.
//
// Thrown, although most causes lie in the world: a command is a straight line that ends at the
// first trouble, and nobody between there and main() could do anything about it. main() alone
// catches.
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

}  // namespace storm::cli

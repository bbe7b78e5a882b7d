// A topology's program before it is run: is there one, and could it run here?
//
// Threads: pure functions, but for reading the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace storm::cli {

struct ProgramMistake {
    std::string what;
    std::string hint;
};

/// Nothing: it can at least be started.
std::optional<ProgramMistake> mistake_in_program(const std::string& path);

/// What starting it ended with, in words: errno of execve().
ProgramMistake start_failure(const std::string& path, int error);

/// What its dynamic linker said, in words; nothing if it said nothing.
std::optional<ProgramMistake> linker_mistake(std::string_view printed);

}  // namespace storm::cli

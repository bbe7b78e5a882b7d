// Checks a topology's program before it is run: whether it exists, and could run here.
//
// Threads: pure functions, except that they read the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace storm::cli {

struct ProgramMistake {
    std::string what;
    std::string hint;
};

/// The reason why it cannot be started; nothing: it can.
std::optional<ProgramMistake> mistake_in_program(const std::string& path);

/// Explains errno of a failed execve().
ProgramMistake start_failure(const std::string& path, int error);

/// Explains a message of its dynamic linker; nothing: there is none.
std::optional<ProgramMistake> linker_mistake(std::string_view printed);

}  // namespace storm::cli

// `storm completion SHELL`: scripts that make the shell complete our commands.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace storm::cli {

/// The script for "bash", "zsh" or "fish". REQUIRES: one of them.
std::string_view completion_script(std::string_view shell);

}  // namespace storm::cli

// Completion of command lines in bash, zsh and fish.
//
// The script that a shell gets knows no command: it asks the program itself, by
// `storm __complete WORD…`, and so offers what that program takes.
//
// Threads: one.
#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"

namespace CLI {
class Option;
}

namespace storm::cli {

/// The script for "bash", "zsh" or "fish". REQUIRES: one of them.
std::string_view completion_script(std::string_view shell);

/// Values for an option or an argument, given the settings on the command line so far. What it
/// throws means that there are none.
using Offer = std::function<std::vector<std::string>(const SettingsOptions&)>;
/// Those that are not in it get file names if their type is FILE or PATH, else nothing.
using Offers = std::map<const CLI::Option*, Offer>;

/// The words of `PROGRAM __complete WORD…`; nothing if that is not what was asked.
std::optional<std::vector<std::string>> words_to_complete(int argc, const char* const* argv);

/// Completions of the last of `words`, one a line: a word, or a word, a tab and its description.
/// The line ":files" stands for all file names.
std::vector<std::string> complete(const CLI::App& app, const std::vector<std::string>& words,
                                  const Offers& offers);

/// Does both, and writes the lines. Returns whether that was what was asked.
bool complete_if_asked(const CLI::App& app, int argc, const char* const* argv, const Offers& offers,
                       std::ostream& out);

}  // namespace storm::cli

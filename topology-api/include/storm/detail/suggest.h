// Suggestions for people who mistyped a name: "did you mean", and lists of names.
//
// Threads: pure functions.
// Cost:    for error messages only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace storm::detail {

/// Number of edits (insert, remove, replace, swap neighbours) between two texts, ignoring case.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name that `wanted` most likely stands for; empty if none is close.
std::string_view closest(std::string_view wanted, const std::vector<std::string_view>& names);

/// `did you mean "word"?`, or nothing.
std::string did_you_mean(std::string_view wanted, const std::vector<std::string_view>& names);

/// `"word", "count"`: the first dozen names; `nothing` if there are none.
std::string list_of(const std::vector<std::string_view>& names);

/// `"word"`.
std::string quoted(std::string_view text);

}  // namespace storm::detail

// Names for people who mistyped one: "did you mean", and what there is.
//
// Threads: pure functions.
// Cost:    for error messages only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace storm::detail {

/// Edits (insert, remove, replace, swap neighbours) between two texts, upper and lower case being
/// equal.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name that `wanted` most likely stands for; empty when none is close.
std::string_view closest(std::string_view wanted, const std::vector<std::string_view>& names);

/// `did you mean "word"?`, or nothing.
std::string did_you_mean(std::string_view wanted, const std::vector<std::string_view>& names);

/// `"word", "count"`: the first dozen of them, or `nothing`.
std::string list_of(const std::vector<std::string_view>& names);

/// `"word"`.
std::string quoted(std::string_view text);

}  // namespace storm::detail

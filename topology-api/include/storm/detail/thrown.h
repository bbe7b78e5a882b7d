// What user code has thrown, in words: of any type, with a text or without.
//
// Threads: pure functions. Called where something is being handled: in a catch block.
#pragma once

#include <string>

namespace storm::detail {

/// Its text, with its type in front where the text alone would puzzle: `std::out_of_range:
/// map::at`, `NoText, without a text`, `an exception of type int`.
std::string what_was_thrown();

}  // namespace storm::detail

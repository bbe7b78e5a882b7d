// Describes what user code has thrown: an exception of any type, with or without a text.
//
// Threads: pure functions. To be called in a catch block.
#pragma once

#include <string>

namespace storm::detail {

/// The exception's text, after its type if the text alone would puzzle: `std::out_of_range:
/// map::at`, `NoText, without a text`, `an exception of type int`.
std::string what_was_thrown();

}  // namespace storm::detail

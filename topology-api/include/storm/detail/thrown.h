// Describes what user code has thrown: an exception of any type, with or without a text.
//
// Threads: pure functions. To be called in a catch block.
#pragma once

#include <string>

namespace storm::detail {

/// The exception's type and text: `std::out_of_range: map::at`, `NoText, without a text`, `an
/// exception of type int`. For Storm's own types only the text.
std::string what_was_thrown();

}  // namespace storm::detail

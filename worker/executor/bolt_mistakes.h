// Texts for mistakes that a bolt makes with its inputs: what it did, and what to do instead.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include <storm/tuple.h>

namespace storm::worker {

/// Throws EmitError: the anchor was acked, failed or kept.
[[noreturn]] void reject_anchor(const Tuple& anchor);
/// Throws EmitError: the input of keep() was acked, failed or kept.
[[noreturn]] void reject_keep(const Tuple& input);

/// execute() returned without ack, fail or keep.
std::string forgotten_text(const Tuple& input);
/// A Kept was destroyed without ack or fail.
std::string destroyed_text(const Tuple& kept);
/// An input was acked or failed twice.
std::string twice_text(const Tuple& input);
/// An input of another bolt was acked or failed here. It stays as it is.
std::string unsubscribed_text(const Tuple& input);
/// Another component acked or failed a tuple that `keeper` keeps.
std::string foreign_text(std::string_view keeper);

}  // namespace storm::worker

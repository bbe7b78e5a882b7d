// A tuple as one line for people: `word: "cow", count: 3`.
//
// Threads: pure functions.
// Cost:    they allocate; they are for topology.debug and for errors.
#pragma once

#include <string>

#include <storm/detail/secrets.h>
#include <storm/tuple.h>

namespace storm::worker {

/// Long values are cut. A field, or an entry of a map, is hidden if a setting with its name and
/// value would be.
std::string tuple_text(const Tuple& tuple, const detail::Secrets& secrets);

/// `a tuple of stream "default" of "lines"`, or `a tick`.
std::string origin_text(const Tuple& tuple);

}  // namespace storm::worker

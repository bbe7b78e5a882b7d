// A tuple as one line for people: `word: "cow", count: 3`.
//
// Threads: pure functions.
// Cost:    allocates; for topology.debug only.
#pragma once

#include <string>

#include <storm/tuple.h>

namespace storm::worker {

/// Long values are cut.
std::string tuple_text(const Tuple& tuple);

}  // namespace storm::worker

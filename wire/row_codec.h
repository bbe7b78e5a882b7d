// The full check of rows from elsewhere. Rows that pass are in the one canonical form that
// docs/wire-format.md specifies, so <storm/detail/row.h> may read them in place.
//
// A row that passes is well-formed, no more. The caller, who knows the topology, checks that its
// stream exists and has this number of fields (before it calls key_hash() or row_value()), and that
// its roots are known.
//
// Threads: pure functions.
// Cost:    4 ns for a row of one word, 5 ns with a number too; no allocation unless it is refused.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"

namespace storm::wire {

/// `bytes` is exactly one row. REQUIRES: starts at a multiple of 8.
base::Result<base::Done> check_row(std::span<const std::byte> bytes);

/// `body` is exactly the runs of a batch (wire/batch.h); it may be empty. REQUIRES: starts at a
/// multiple of 8.
base::Result<base::Done> check_runs(std::span<const std::byte> body);

}  // namespace storm::wire

// The full check of rows that come from elsewhere. What passes is in the one canonical form that
// docs/wire-format.md specifies, and all of <storm/detail/row.h> may read it in place.
//
// A row that passes is well-formed, no more: whether its stream exists, has so many fields, and
// whether its roots are known, is for those to check who know topologies. key_hash() and
// row_value() need at least the number of values first.
//
// Threads: pure functions.
// Cost:    4 ns a row of a word, 5 ns with a number too; no allocation unless it is refused.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"

namespace storm::wire {

/// `bytes`: one row, all of it and no more. REQUIRES: at a multiple of 8.
base::Result<base::Done> check_row(std::span<const std::byte> bytes);

/// `body`: the runs of a batch (wire/batch.h), all and no more; may be none.
/// REQUIRES: at a multiple of 8.
base::Result<base::Done> check_runs(std::span<const std::byte> body);

}  // namespace storm::wire

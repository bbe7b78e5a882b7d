// Runs a scenario and measures it.
//
//     steady     warm-up │ measured ────────────────────────────── │ all that is pending settles
//     in turns   warm-up │ A ── settles │ B ── │ A ── settles │ B ── │ …    for a ratio A/B that
//                                                  does not depend on what else the machine does
//
// Threads: one, the caller's.
#pragma once

#include <optional>

#include "bench/macro/meter.h"
#include "bench/macro/options.h"

namespace storm::bench {

inline constexpr double kWarmUpSeconds = 1;
inline constexpr double kSliceSeconds = 0.5;

struct Outcome {
    Tally tally;
    bool counts_tuples = true;         // Else words only: a plain loop has nothing to emit or ack.
    std::optional<double> rss_mb;      // The worker's, if it is a process of its own.
    std::optional<Nanos> first_tuple;  // When the last bolt had its first.
    std::optional<double> loop_per_s;  // Words of the plain loop.
    std::optional<double> narrow_per_s;  // Baseline for `wide`.
};

/// Throws std::runtime_error when the engine fails, or tuples fail or are lost that should not.
/// `text` is null in scenarios without one.
Outcome measure(const Options& options, const Text* text);

}  // namespace storm::bench

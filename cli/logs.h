// `storm logs`: shows the output of a topology's workers, kept by their Supervisors.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

#include <storm/config.h>

#include "cli/patience.h"

namespace storm::cli {

struct Logs {
    std::string topology;
    std::optional<std::int64_t> worker;  ///< Nothing: all workers.
    std::string stream = "stderr";       ///< "stdout", "stderr", "stderr.1", …
    bool follow = false;                 ///< Keep showing new output.
    bool clean = false;                  ///< Remove control characters, for a terminal.
};

/// If there are several workers, each line starts with its worker's number, and lines are in the
/// order of their times. Throws Failure. A log that cannot be read is reported on `err`, and the
/// others are shown. Following ends with the topology.
void show_logs(const Config& config, const Logs& wanted, const Patience& patience,
               std::ostream& out, std::ostream& err);

}  // namespace storm::cli

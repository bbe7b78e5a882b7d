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

/// If there are several workers, each line starts with its worker's number. Throws Failure. A log
/// that cannot be read is reported on `err`, and the others are shown. Following ends with the
/// topology.
void show_logs(const Config& config, const Logs& wanted, const Patience& patience,
               std::ostream& out, std::ostream& err);

/// One growing log: returns whole lines only, and the unfinished last line at the end.
class LogLines {
public:
    explicit LogLines(std::string prefix, bool clean = false)
        : prefix_(std::move(prefix)), clean_(clean) {}

    /// `at_start`: false if the bytes may begin within a line; its rest is skipped.
    std::string take(const std::string& bytes, bool at_start);
    /// The rest without a line feed.
    std::string rest();

private:
    std::string shown_(std::string_view line) const;

    std::string prefix_;
    bool clean_;
    std::string partial_;
};

}  // namespace storm::cli

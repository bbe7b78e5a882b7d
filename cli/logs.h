// `storm logs`: what the workers of a topology have printed, from the Supervisors that keep it.
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
    std::optional<std::int64_t> worker;  ///< None: all of them.
    std::string stream = "stderr";       ///< "stdout", "stderr", "stderr.1", …
    bool follow = false;                 ///< Go on as more is written.
    bool clean = false;                  ///< Without control characters, for a terminal.
};

/// With several workers each line starts with its worker's number. Throws Failure.
/// What cannot be read is told on `err`, and does not keep the rest from being shown. Following
/// ends with the topology.
void show_logs(const Config& config, const Logs& wanted, const Patience& patience,
               std::ostream& out, std::ostream& err);

/// One log, as it grows: whole lines only, but for the last one when it ends.
class LogLines {
public:
    explicit LogLines(std::string prefix, bool clean = false)
        : prefix_(std::move(prefix)), clean_(clean) {}

    /// `at_start`: false when the bytes may begin within a line, which is then left out.
    std::string take(const std::string& bytes, bool at_start);
    /// What is left without a line feed.
    std::string rest();

private:
    std::string shown_(std::string_view line) const;

    std::string prefix_;
    bool clean_;
    std::string partial_;
};

}  // namespace storm::cli

// A line of /proc/PID/stat, or of a thread's.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sys/types.h>

namespace storm::base {

struct ProcessStat {
    char state = '?';
    pid_t parent = 0;
    pid_t session = 0;
    std::uint64_t start_time = 0;  ///< Ticks since boot.
};

/// Nothing: the text is no such line.
std::optional<ProcessStat> parse_process_stat(std::string_view line);

}  // namespace storm::base

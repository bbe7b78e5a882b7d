// Runs a program as a limited child process to get its own description of its topology.
//
// If the program does something else (crashes, never ends, eats memory, prints, writes files,
// starts others), it ends within the deadline, with an error that says what it did. The
// description comes through a descriptor of its own (worker/run/describe.h), so the program's
// output cannot mix with it. Settings are passed in a sealed memory file instead of arguments,
// which everybody on the host can read.
//
//     what            limit                                  named in cli/limits.h
//     time            wall clock, less waiting for a         kDescribeMicros
//                     processor, for all runs together
//     processor       RLIMIT_CPU                             kDescribeCpuSecs
//     memory          resident size, looked at every 10 ms   kDescribeMemoryMax
//     files, cores    RLIMIT_FSIZE, RLIMIT_CORE              kDescribeFileBytesMax, none
//     processes       RLIMIT_NPROC; all of its group are     kDescribeTasksMax
//                     killed at the end
//     what it prints  the last of it is kept, for errors     kChatterBytesMax
//
// Threads: to be called before there is a second one, because it forks.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace storm::cli {

struct DescribeCall {
    std::string program;                 ///< Path.
    std::vector<std::string> arguments;  ///< Without the program's name.
    base::Micros deadline = 0;
    /// Keys and values, passed in a file named by `--config`. Empty: no such file.
    std::map<std::string, std::string> settings = {};
};

/// The description. The first line of an error says what went wrong; others may show what it
/// printed.
base::Result<std::string> run_to_describe(const DescribeCall& call, const base::Clock& clock);

}  // namespace storm::cli

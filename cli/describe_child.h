// A program's own description of its topology, got by running it as a limited child process.
//
// Whatever the program does instead (crashes, never ends, eats memory, prints, writes files, starts
// others), it ends within the deadline with an error that says what it did. The description comes
// on a descriptor of its own (worker/run/describe.h), so that nothing the program prints can get in
// between. Settings go to it in a sealed memory file, not in arguments, which everybody on the host
// can read.
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
// Threads: call it before there is a second one: it forks.
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
    /// By key; `--config` names a file that has them. Empty: nothing is added.
    std::map<std::string, std::string> settings = {};
};

/// What it wrote. The error's first line says what went wrong, others may show what it printed.
base::Result<std::string> run_to_describe(const DescribeCall& call, const base::Clock& clock);

}  // namespace storm::cli

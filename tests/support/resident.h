// How much memory this process has.
#pragma once

#include <cstdint>
#include <fstream>

#include <unistd.h>

namespace storm::testing {

/// Resident memory of this process.
inline std::int64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::int64_t size = 0;
    std::int64_t resident = 0;
    statm >> size >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace storm::testing

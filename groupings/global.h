// Global grouping: all rows to the target with the least task id.
//
// Threads: immutable.
#pragma once

#include <cstddef>

namespace storm::groupings {

class Global {
public:
    static constexpr std::size_t choose() { return 0; }
};

}  // namespace storm::groupings

// Global grouping: every row goes to the target with the lowest task id.
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

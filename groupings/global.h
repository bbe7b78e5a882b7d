// Global grouping: every row goes to the target with the lowest task id.
//
// Threads: immutable.
#pragma once

#include <cstddef>

#include "groupings/setup.h"

namespace storm::groupings {

class Global {
public:
    static constexpr GroupingKind kKind = GroupingKind::kGlobal;
    static Global make(const Setup&) { return {}; }

    static constexpr std::size_t choose() { return 0; }

    template <typename Row, typename To>
    bool send(const Row&, const To& to) const {
        return to(choose());
    }
};

}  // namespace storm::groupings

// A Supervisor at a glance: the source of /health and /metrics.
//
// Threads: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "cluster/reports.h"
#include "supervisor/slot.h"

namespace storm::supervisor {

struct Overview {
    std::string zookeeper;     ///< Such as "connected".
    std::string refused;       ///< Why Nimbus refuses the reports; empty: it takes them.
    std::string disk;          ///< "hangs": a job with files takes long; empty: it is well.
    std::size_t in_doubt = 0;  ///< Topologies that run on though their assignment is unknown.
    std::size_t slots = 0;
    std::size_t slots_used = 0;
    std::array<std::uint64_t, kEndReasons> restarts{};
    cluster::SupervisorReport report;
};

}  // namespace storm::supervisor

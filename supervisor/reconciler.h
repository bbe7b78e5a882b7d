// Which worker each slot of a Supervisor is to have, by the assignments as they are now.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cluster/records.h"
#include "supervisor/slot.h"

namespace storm::supervisor {

/// By topology; shared with the slots, immutable.
using Assignments = std::map<std::string, std::shared_ptr<const cluster::Assignment>>;

struct Desired {
    std::map<std::uint16_t, Wanted> by_port;
    /// Why a worker that is assigned here has no slot: a port that is not ours, or has two workers.
    std::vector<std::string> mistakes;
};

/// `current`: what each port has now; of two workers that are assigned to one port, it stays.
Desired desired_workers(const Assignments& assignments, const std::string& supervisor,
                        const std::set<std::uint16_t>& ports,
                        const std::map<std::uint16_t, Target>& current);

}  // namespace storm::supervisor

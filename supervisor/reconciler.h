// Decides which worker each slot of a Supervisor is to have, given the present assignments.
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

/// Keyed by topology. Immutable; shared with the slots.
using Assignments = std::map<std::string, std::shared_ptr<const cluster::Assignment>>;

/// A worker that is assigned here but gets no slot: the port is not ours, or another worker has it.
struct Mistake {
    Wanted wanted;
    std::uint16_t port = 0;
    std::string why;
};

struct Desired {
    std::map<std::uint16_t, Wanted> by_port;
    std::set<std::uint16_t> left_alone;  ///< Ports whose workers go on as they are.
    std::vector<Mistake> mistakes;
};

/// `current` is what each port has now; of two workers assigned to one port, that one stays.
/// `in_doubt` are topologies whose assignment is unknown, which does not mean gone: their workers
/// are left alone, unless there is an assignment of theirs.
Desired desired_workers(const Assignments& assignments, const std::string& supervisor,
                        const std::set<std::uint16_t>& ports,
                        const std::map<std::uint16_t, Target>& current,
                        const std::set<std::string>& in_doubt = {});

}  // namespace storm::supervisor

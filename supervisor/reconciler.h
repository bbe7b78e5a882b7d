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

/// Whether its status lets it run.
bool is_to_run(const Wanted& wanted);

/// A worker that is assigned here and gets no slot: its port is not ours, or has another worker.
struct Mistake {
    Wanted wanted;
    std::uint16_t port = 0;
    std::string why;
};

struct Desired {
    std::map<std::uint16_t, Wanted> by_port;
    std::set<std::uint16_t> left_alone;  ///< What they have goes on as it is.
    std::vector<Mistake> mistakes;
};

/// `current`: what each port has now; of two workers that are assigned to one port, it stays.
/// `in_doubt`: topologies whose assignment is not known, which is not the same as gone. What runs
/// of them is left alone, unless an assignment of theirs stands.
Desired desired_workers(const Assignments& assignments, const std::string& supervisor,
                        const std::set<std::uint16_t>& ports,
                        const std::map<std::uint16_t, Target>& current,
                        const std::set<std::string>& in_doubt = {});

}  // namespace storm::supervisor

#include "supervisor/reconciler.h"

#include <algorithm>
#include <limits>

namespace storm::supervisor {
namespace {

Wanted wanted_by(const cluster::Assignment& assignment, const cluster::WorkerSlot& worker) {
    constexpr std::int64_t kLongestMs = std::int64_t{365} * 24 * 3600 * 1000;
    return {{assignment.topology, worker.number, worker.epoch},
            assignment.epoch,
            assignment.status,
            std::min(assignment.kill_wait_ms, kLongestMs) * kMicrosPerMilli};
}

bool ends(const Wanted& wanted) {
    return wanted.status == cluster::Status::kKilled || wanted.status == cluster::Status::kFinished;
}

std::string name_of(const Target& target) {
    return "worker " + std::to_string(target.number) + " of topology \"" + target.topology + '"';
}

}  // namespace

Desired desired_workers(const Assignments& assignments, const std::string& supervisor,
                        const std::set<std::uint16_t>& ports,
                        const std::map<std::uint16_t, Target>& current) {
    Desired desired;
    // Whether `a` goes before `b`, which wants the same port.
    const auto goes_first = [&current](std::uint16_t port, const Wanted& a, const Wanted& b) {
        if (ends(a) != ends(b)) return ends(b);
        const auto now = current.find(port);
        return now != current.end() && now->second == a.target;
    };
    for (const auto& [topology, assignment] : assignments) {
        for (const cluster::WorkerSlot& worker : assignment->workers) {
            if (worker.supervisor != supervisor) continue;
            Wanted wanted = wanted_by(*assignment, worker);
            const std::string port = std::to_string(worker.port);
            if (ports.count(worker.port) == 0) {
                desired.mistakes.push_back(name_of(wanted.target) + " is assigned to port " + port +
                                           ", which this supervisor does not have");
                continue;
            }
            const auto [at, is_first] = desired.by_port.emplace(worker.port, wanted);
            if (is_first) continue;
            if (goes_first(worker.port, wanted, at->second)) std::swap(at->second, wanted);
            desired.mistakes.push_back(name_of(wanted.target) + " is assigned to port " + port +
                                       ", as is " + name_of(at->second.target));
        }
    }
    return desired;
}

}  // namespace storm::supervisor

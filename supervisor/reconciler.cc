#include "supervisor/reconciler.h"

#include <algorithm>
#include <limits>

namespace storm::supervisor {
namespace {

Wanted wanted_by(const cluster::Assignment& assignment, const cluster::WorkerSlot& worker) {
    // A record may say any number of milliseconds; as microseconds it must not wrap.
    constexpr std::int64_t kLongestMs = std::int64_t{365} * 24 * 3600 * 1000;
    return {{assignment.topology, worker.number, worker.epoch},
            assignment.epoch,
            assignment.status,
            std::min(assignment.kill_wait_ms, kLongestMs) * kMicrosPerMilli};
}

std::string name_of(const Target& target) {
    return "worker " + std::to_string(target.number) + " of topology \"" + target.topology + '"';
}

}  // namespace

Desired desired_workers(const Assignments& assignments, const std::string& supervisor,
                        const std::set<std::uint16_t>& ports,
                        const std::map<std::uint16_t, Target>& current,
                        const std::set<std::string>& in_doubt) {
    // First, because it outranks every wish for the port: what runs in doubt is ended by nobody's
    // assignment but its own.
    Desired desired;
    for (const auto& [port, target] : current) {
        if (in_doubt.count(target.topology) > 0 && assignments.count(target.topology) == 0) {
            desired.left_alone.insert(port);
        }
    }
    // Whether `a` takes precedence over `b`, which wants the same port.
    const auto goes_first = [&current](std::uint16_t port, const Wanted& a, const Wanted& b) {
        const bool a_runs = cluster::is_running(a.status);
        if (a_runs != cluster::is_running(b.status)) return a_runs;
        // Otherwise two assignments that want one port would take turns, and restart each other.
        const auto now = current.find(port);
        return now != current.end() && now->second == a.target;
    };
    const auto refuse = [&desired](const Wanted& wanted, std::uint16_t port,
                                   const std::string& why) {
        desired.mistakes.push_back(
            {wanted, port,
             name_of(wanted.target) + " is assigned to port " + std::to_string(port) + ", " + why});
    };
    for (const auto& [topology, assignment] : assignments) {
        for (const cluster::WorkerSlot& worker : assignment->workers) {
            if (worker.supervisor != supervisor) continue;
            Wanted wanted = wanted_by(*assignment, worker);
            if (ports.count(worker.port) == 0) {
                refuse(wanted, worker.port, "which this supervisor does not have");
                continue;
            }
            if (desired.left_alone.count(worker.port) > 0) {
                refuse(wanted, worker.port,
                       "where " + name_of(current.at(worker.port)) +
                           " goes on, whose assignment is not known");
                continue;
            }
            const auto [at, is_first] = desired.by_port.emplace(worker.port, wanted);
            if (is_first) continue;
            if (goes_first(worker.port, wanted, at->second)) std::swap(at->second, wanted);
            refuse(wanted, worker.port, "as is " + name_of(at->second.target));
        }
    }
    return desired;
}

}  // namespace storm::supervisor

// The assignments, as far as ZooKeeper can be believed. A missing assignment counts as gone only if
// the topology was removed; an older one is not followed; an unreadable one is not gone. Such
// topologies are in doubt, and run on.
//
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/event_loop.h"
#include "base/lifetime.h"
#include "coordination/cluster_state.h"
#include "supervisor/reconciler.h"

namespace storm::supervisor {

class Assigned {
public:
    /// Keyed by port.
    using Running = std::map<std::uint16_t, Target>;

    /// `changed` is called when look() should be called again.
    Assigned(coordination::ClusterState& state, base::EventLoop& loop,
             std::function<void()> changed);
    Assigned(const Assigned&) = delete;
    Assigned& operator=(const Assigned&) = delete;
    ~Assigned();

    void take(const std::map<std::string, cluster::Assignment>& assignments,
              const Running& running);
    /// Asks, for each running topology without an assignment, whether it was removed. Returns
    /// whether doubts() has changed. REQUIRES: known().
    bool look(const Running& running);

    bool known() const { return assignments_.has_value(); }
    const Assignments& assignments() const { return *assignments_; }
    /// Topologies that may or may not be meant to run.
    const std::set<std::string>& in_doubt() const { return in_doubt_; }
    /// The reason for each, once it is known.
    const std::map<std::string, std::string>& doubts() const { return doubts_; }

private:
    enum class Absence : std::uint8_t {
        kAsked,    // The reason is not known yet.
        kRemoved,  // Nimbus removed it.
        kLost,     // Nobody removed it.
    };

    bool is_older_(const cluster::Assignment& assignment, const Running& running) const;
    void ask_for_removals_(const Running& running);
    std::map<std::string, std::string> reasons_() const;

    coordination::ClusterState& state_;
    base::EventLoop& loop_;
    const std::function<void()> changed_;
    std::optional<Assignments> assignments_;
    std::map<std::string, std::uint64_t> older_;  // Epochs that ZooKeeper has gone back to.
    std::map<std::string, Absence> absences_;     // Topologies that run without an assignment.
    std::set<std::string> in_doubt_;
    std::map<std::string, std::string> doubts_;
    base::Lifetime lifetime_;
};

}  // namespace storm::supervisor

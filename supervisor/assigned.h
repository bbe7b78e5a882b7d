// What is assigned, as far as ZooKeeper can be believed: an assignment that is missing is not taken
// for gone unless the topology was removed, nor is an older one followed, nor is one gone that
// cannot be read. Such topologies are in doubt, and what runs of them goes on.
//
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/event_loop.h"
#include "coordination/cluster_state.h"
#include "supervisor/reconciler.h"

namespace storm::supervisor {

class Assigned {
public:
    /// By port.
    using Running = std::map<std::uint16_t, Target>;

    /// `changed`: look() again.
    Assigned(cluster::ClusterState& state, cluster::EventLoop& loop, std::function<void()> changed);
    Assigned(const Assigned&) = delete;
    Assigned& operator=(const Assigned&) = delete;
    ~Assigned();

    void take(const std::map<std::string, cluster::Assignment>& assignments,
              const Running& running);
    /// Asks of what runs and is missing whether it was removed. Returns whether doubts() has
    /// changed. REQUIRES: known().
    bool look(const Running& running);

    bool known() const { return assignments_.has_value(); }
    const Assignments& assignments() const { return *assignments_; }
    /// Topologies of which it is not known whether they are to run.
    const std::set<std::string>& in_doubt() const { return in_doubt_; }
    /// Why, once that is known.
    const std::map<std::string, std::string>& doubts() const { return doubts_; }

private:
    enum class Absence : std::uint8_t {
        kAsked,    // Why it is missing is not known yet.
        kRemoved,  // By Nimbus.
        kLost,     // Nobody has removed it.
    };

    bool is_older_(const cluster::Assignment& assignment, const Running& running) const;
    void ask_for_removals_(const Running& running);
    std::map<std::string, std::string> reasons_() const;

    cluster::ClusterState& state_;
    cluster::EventLoop& loop_;
    const std::function<void()> changed_;
    std::optional<Assignments> assignments_;
    std::map<std::string, std::uint64_t> older_;  // Epochs that ZooKeeper has gone back to.
    std::map<std::string, Absence> absences_;     // Of what runs and is missing.
    std::set<std::string> in_doubt_;
    std::map<std::string, std::string> doubts_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace storm::supervisor

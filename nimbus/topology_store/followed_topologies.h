// The topologies in ZooKeeper, whoever leads; and, for a while, those that vanished from it, so
// that a leader can tell removed from lost.
//
// Threads: the loop's.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/lifetime.h"
#include "cluster/description.h"
#include "cluster/seal.h"
#include "coordination/cluster_state.h"

namespace storm::nimbus {

/// The bytes of an assignment, for answers to workers.
struct WrittenAssignment {
    std::string bytes;
    std::string sha256;
};

class FollowedTopologies {
public:
    struct Vanished {
        std::optional<cluster::TopologyRecord> record;
        std::optional<cluster::Assignment> assignment;
        base::Micros at = 0;
    };

    /// `changed` is called when topologies or assignments change, or become readable or unreadable.
    FollowedTopologies(coordination::ClusterState& state, const base::EventLoop& loop,
                       const cluster::Seal& seal, std::function<void()> changed);
    FollowedTopologies(const FollowedTopologies&) = delete;
    FollowedTopologies& operator=(const FollowedTopologies&) = delete;

    bool known() const { return known_; }
    const std::map<std::string, cluster::TopologyRecord>& topologies() const { return topologies_; }
    /// Indexed by topology.
    const std::map<std::string, cluster::Assignment>& assignments() const { return assignments_; }
    /// Writes and hashes an assignment once, however often it is asked for. Null: there is none, or
    /// what is known of it is from before this session. Valid until control returns to the loop.
    const WrittenAssignment* written_assignment(const std::string& id);
    const std::map<std::string, cluster::TopologyErrors>& errors() const { return errors_; }
    /// An empty one if it cannot be read. REQUIRES: the id is among topologies().
    const cluster::Description& description(const std::string& id) const;
    /// The key that seals answers to the topology's workers. Null: it is not known.
    const std::string* answer_key(const std::string& id) const;
    /// Made by record_in().
    const std::map<std::string, cluster::TopologyRecord>& unreadable() const { return unreadable_; }

    /// Topologies that vanished within kVanishedKept, and were not being killed.
    const std::map<std::string, Vanished>& vanished() const { return vanished_; }
    /// Marks everything that is missing in `now` as vanished, as if ZooKeeper had told so.
    void note_vanished(const std::map<std::string, cluster::TopologyRecord>& now);
    void note_vanished(const std::string& id, const cluster::TopologyRecord& record,
                       const cluster::Assignment& assignment);
    void forget_vanished(const std::string& id) { vanished_.erase(id); }

private:
    void take_(const std::map<std::string, cluster::TopologyRecord>& records);
    void take_(const std::map<std::string, cluster::Assignment>& records);
    void describe_(const std::map<std::string, cluster::TopologyRecord>& former);

    coordination::ClusterState& state_;
    const base::EventLoop& loop_;
    const cluster::Seal& seal_;
    const std::function<void()> changed_;
    bool known_ = false;
    std::map<std::string, cluster::TopologyRecord> topologies_;
    std::map<std::string, cluster::Assignment> assignments_;
    std::map<std::string, WrittenAssignment>
        written_;  // Those of assignments_ that were asked for.
    std::map<std::string, cluster::TopologyErrors> errors_;
    std::map<std::string, cluster::Description> descriptions_;
    std::map<std::string, std::optional<std::string>> answer_keys_;
    std::map<std::string, cluster::TopologyRecord> unreadable_;
    std::map<std::string, Vanished> vanished_;
    base::Lifetime lifetime_;
};

}  // namespace storm::nimbus

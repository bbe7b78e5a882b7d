// The state that the daemons share in ZooKeeper, as typed operations. docs/zookeeper-layout.md has
// the paths; nothing else knows them.
//
// Following: follow_…() calls back with the whole current set of records, by id: once it is known,
// whenever it has changed, and once in each new session. It reads again after each watch, combines
// several changes, and continues by itself after a lost connection or an expired session;
// meanwhile the last set stands. Call each follow_…() at most once.
//
// Unreadable is not absent: a record that exists but cannot be read (written by another version,
// or garbage) stays in the set as last read, if it ever was, and unreadable_…() names it. Only a
// record that is gone from ZooKeeper is gone from both.
//
// Absent is not removed: removing a topology leaves a mark in the same step, which the leader
// sweeps much later. A topology that is missing without a mark was lost: ZooKeeper was emptied, or
// its data restored from an older copy. The decision uses no number, clock or name in the data.
//
// Writing: only the leader writes topologies, assignments and errors. Each such write carries its
// Term, and ZooKeeper refuses it (kDeposed) when another term has begun. Writes are done one after
// the other, in the order of the calls. A write that was under way when the connection broke is
// repeated when it is back, which does no harm, up to kWriteTriesMax times.
//
// Reads and writes wait while there is no connection; Session::ready() tells of it.
//
// Threads: the loop's. Callbacks never come from inside a call, nor after the destructor.
// Cost:    a read or write is a round trip; a write also syncs ZooKeeper's disk.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/records.h"
#include "coordination/session.h"

namespace storm::coordination {

/// One uninterrupted period of leading, from Election.
struct Term {
    std::uint64_t epoch = 0;
    std::int32_t version = 0;  ///< Version of <root>/leader, which each write of the term checks.

    friend bool operator==(const Term&, const Term&) = default;
};

enum class Write : std::uint8_t {
    kDone,
    kNameTaken,  ///< create_topology(): another topology has this name.
    kNotFound,   ///< update(), set_assignment(), add_errors(): no such topology.
    kDeposed,    ///< The term is over: stop leading. Nothing was written.
    kTooLarge,   ///< The record is larger than kRecordBytesMax; nothing was written.
    /// It may have happened: the connection was lost kWriteTriesMax times, or once, and when it was
    /// back the term was over.
    kUnknown,
    kFailed,  ///< Refused for another reason (logged), or kWritesWaitingMax writes wait already.
};
std::string_view to_string(Write outcome);

/// Attempts at one write, if the connection is lost each time.
inline constexpr int kWriteTriesMax = 5;
/// Writes that may wait for earlier ones.
inline constexpr std::size_t kWritesWaitingMax = 4096;

/// Nodes that exist but cannot be read: id -> reason.
using Unreadable = std::map<std::string, std::string>;

/// The state that a new leader starts from. An id is among the readable or the unreadable records;
/// if in neither, there is no such node.
struct ClusterSnapshot {
    std::map<std::string, cluster::TopologyRecord> topologies;
    std::map<std::string, cluster::Assignment> assignments;  ///< Indexed by topology.
    Unreadable unreadable_topologies = {};
    Unreadable unreadable_assignments = {};
    /// Marks of removal that are not swept yet, by topology. An unreadable mark is an empty one.
    std::map<std::string, cluster::Removal> removed = {};
};

class ClusterState {
public:
    template <typename Record>
    using OnChange = std::function<void(const std::map<std::string, Record>&)>;
    using Wrote = std::function<void(Write)>;

    explicit ClusterState(Session& session);
    ~ClusterState();
    ClusterState(const ClusterState&) = delete;
    ClusterState& operator=(const ClusterState&) = delete;

    // A live daemon's own record: exists as long as its session, and is made again in each new one.
    // Replaces what an earlier process with the same id left behind. If a process with the same id
    // that came later has put its own record there, `replaced` is called and the record given up:
    // two daemons run under one id, and this one must stop. Call again with a changed record to
    // update it.
    using Replaced = std::function<void(const std::string& who)>;
    void publish(const cluster::SupervisorRecord& record, Replaced replaced);
    void publish(const cluster::NimbusRecord& record, Replaced replaced);

    void follow_supervisors(OnChange<cluster::SupervisorRecord> changed);
    void follow_nimbuses(OnChange<cluster::NimbusRecord> changed);
    void follow_topologies(OnChange<cluster::TopologyRecord> changed);
    void follow_assignments(OnChange<cluster::Assignment> changed);  ///< Indexed by topology.
    void follow_errors(OnChange<cluster::TopologyErrors> changed);   ///< Indexed by topology.
    // The unreadable records of what is followed; empty: none, or nothing was told yet. Changes
    // only right before the call that tells the set.
    const Unreadable& unreadable_supervisors() const;
    const Unreadable& unreadable_topologies() const;
    const Unreadable& unreadable_assignments() const;
    /// Whether the assignments told last were read in this session. Otherwise they are from before
    /// the last session ended, however long ago that was.
    bool assignments_are_of_this_session() const;
    /// Tells whether a topology was removed: once it is known, and at each change, until
    /// unfollow_removal(). One call per id at a time.
    void follow_removal(const std::string& id, std::function<void(bool removed)> changed);
    void unfollow_removal(const std::string& id);
    /// Tells the leader; nothing: nobody leads.
    void follow_leader(std::function<void(const std::optional<cluster::Leadership>&)> changed);

    /// Nothing: there is no such topology, or not any more.
    void read_topology(
        const std::string& id,
        std::function<void(base::Result<std::optional<cluster::TopologyRecord>>)> done);

    // For the leader.
    /// All topologies and assignments, as of now or later, if the term lasts. Includes everything
    /// that was written before, by this leader and its predecessors, even writes that were never
    /// answered: none of these can happen later. The followed sets may lag behind.
    void read_all(const Term& term, std::function<void(base::Result<ClusterSnapshot>)> done);
    /// Creates the topology, its name, which must be free, and its first assignment in one step.
    /// kDone again if called again with the same id.
    void create_topology(const Term& term, const cluster::TopologyRecord& record,
                         const cluster::Assignment& first, Wrote done);
    void set_assignment(const Term& term, const cluster::Assignment& assignment, Wrote done);
    /// Writes both in one step, for changes of status. Name and id must stay. Creates the
    /// assignment if there is none.
    void update(const Term& term, const cluster::TopologyRecord& record,
                const cluster::Assignment& assignment, Wrote done);
    /// Removes the topology with everything that belongs to it, as far as it exists, and leaves
    /// `mark`, unless there is a mark already. kDone also if the topology is gone already, or lost.
    void remove_topology(const Term& term, const std::string& id, const std::string& name,
                         const cluster::Removal& mark, Wrote done);
    /// Topologies whose mark of removal is there, after all that was asked for before.
    void read_removals(std::function<void(base::Result<std::set<std::string>>)> done);
    /// Sweeps the mark of a removal.
    void forget_removal(const Term& term, const std::string& id, Wrote done);
    /// Keeps the last kTopologyErrorsMax errors.
    void add_errors(const Term& term, const std::string& topology,
                    std::vector<cluster::TopologyError> errors, Wrote done);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace storm::coordination

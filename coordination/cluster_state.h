// What the daemons share through ZooKeeper, as typed operations. docs/zookeeper-layout.md has the
// paths; no one else knows them.
//
// Following: follow_…() calls back with the whole current set of records, by id, once it is known,
// again whenever it has changed, and once in each new session. It reads again after each watch,
// takes several changes together, and goes on by itself after a lost connection or an expired
// session; meanwhile the last set that was told stands. Call each follow_…() at most once.
//
// Unreadable is not absent: a record that is there and cannot be read (another version's, or bytes
// that nobody understands) stays in the set as it was when it could be read, if it ever could, and
// unreadable_…() names it. Only what is gone from ZooKeeper is gone from both.
//
// Nor is absent removed: who removes a topology leaves a mark in the same step, which the leader
// sweeps much later. What is missing without one was lost: ZooKeeper was emptied, or an older copy
// of its data put back. No number, clock or name of the data is asked.
//
// Writing: only the leader writes topologies, assignments and errors, and every such write carries
// its Term: ZooKeeper refuses it (kDeposed) when another term has begun. Writes are done one after
// the other, in the order of the calls. One that was under way when the connection broke is done
// again when it is back, which does no harm, up to kWriteTriesMax times.
//
// Reads and writes wait while there is no connection; ask connected() to answer users at once.
//
// Threads: the loop's; callbacks never come from inside a call, and none after the destructor.
// Cost:    a read or write is a round trip; a write also a sync to ZooKeeper's disk.
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

namespace storm::cluster {

/// One uninterrupted time of leading. Election gives it.
struct Term {
    std::uint64_t epoch = 0;
    std::int32_t version = 0;  ///< Of <root>/leader: what each write of the term checks.

    friend bool operator==(const Term&, const Term&) = default;
};

enum class Write : std::uint8_t {
    kDone,
    kNameTaken,  ///< create_topology(): another topology has the name.
    kNotFound,   ///< update_topology(), set_assignment(), add_errors(): no such topology.
    kDeposed,    ///< The term is over: stop leading.
    kTooLarge,   ///< The record is larger than kRecordBytesMax; nothing was written.
    kUnknown,    ///< The connection was lost kWriteTriesMax times: it may have happened.
    kFailed,     ///< Refused for another reason (logged), or kWritesWaitingMax wait already.
};
std::string_view to_string(Write outcome);

/// Lost connections that one write survives.
inline constexpr int kWriteTriesMax = 5;
/// Writes that wait for the one before them.
inline constexpr std::size_t kWritesWaitingMax = 4096;

/// Nodes that are there and cannot be read: why, by the record's id.
using Unreadable = std::map<std::string, std::string>;

/// What a new leader starts from. An id is among what can be read, or what cannot; in neither:
/// there is no such node.
struct ClusterSnapshot {
    std::map<std::string, TopologyRecord> topologies;
    std::map<std::string, Assignment> assignments;  ///< By topology.
    Unreadable unreadable_topologies = {};
    Unreadable unreadable_assignments = {};
    std::set<std::string> removed = {};  ///< Topologies whose mark of removal is not swept.
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

    bool connected() const;

    // The own record of a live daemon: there as long as its session, made again in each new one.
    // What an earlier process of the same id left behind is replaced. `replaced` is called, and the
    // record given up, when a process of the same id that came later has put its own there: two
    // daemons run under one id, and this one must stop. Call again with a changed record to update.
    using Replaced = std::function<void(const std::string& who)>;
    void publish(const SupervisorRecord& record, Replaced replaced);
    void publish(const NimbusRecord& record, Replaced replaced);

    void follow_supervisors(OnChange<SupervisorRecord> changed);
    void follow_nimbuses(OnChange<NimbusRecord> changed);
    void follow_topologies(OnChange<TopologyRecord> changed);
    void follow_assignments(OnChange<Assignment> changed);  ///< By topology.
    void follow_errors(OnChange<TopologyErrors> changed);   ///< By topology.
    // Of what is followed; empty: all can be read, or nothing was told yet. It changes only before
    // the call that tells the set.
    const Unreadable& unreadable_supervisors() const;
    const Unreadable& unreadable_topologies() const;
    const Unreadable& unreadable_assignments() const;
    /// Whether a topology was removed, as soon as it is known and whenever that changes, until
    /// unfollow_removal(). One call for each id at a time.
    void follow_removal(const std::string& id, std::function<void(bool removed)> changed);
    void unfollow_removal(const std::string& id);
    /// Who leads now; nothing: nobody does.
    void follow_leader(std::function<void(const std::optional<Leadership>&)> changed);

    /// Nothing: there is no such topology (any more).
    void read_topology(const std::string& id,
                       std::function<void(base::Result<std::optional<TopologyRecord>>)> done);

    // The leader's.
    /// All topologies and assignments, as of now or later, if the term lasts. It has everything
    /// that was written before, by this leader and those before it, also what was asked for and
    /// never answered: none of that happens later. What is being followed may lag behind.
    void read_all(const Term& term, std::function<void(base::Result<ClusterSnapshot>)> done);
    /// With its name, which must be free, and the assignment it starts with, at once. Called again
    /// with the same id it is kDone.
    void create_topology(const Term& term, const TopologyRecord& record, const Assignment& first,
                         Wrote done);
    /// Name and id stay.
    void update_topology(const Term& term, const TopologyRecord& record, Wrote done);
    void set_assignment(const Term& term, const Assignment& assignment, Wrote done);
    /// Both at once: for changes of status. Makes the assignment if there is none.
    void update(const Term& term, const TopologyRecord& record, const Assignment& assignment,
                Wrote done);
    /// With all that belongs to it, or what is left of that, and leaves the mark of its removal;
    /// kDone as well when it is gone already, or lost.
    void remove_topology(const Term& term, const std::string& id, const std::string& name,
                         Wrote done);
    /// Sweeps the mark of a removal.
    void forget_removal(const Term& term, const std::string& id, Wrote done);
    /// Keeps the last kTopologyErrorsMax.
    void add_errors(const Term& term, const std::string& topology,
                    std::vector<TopologyError> errors, Wrote done);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace storm::cluster

// The cluster's topologies: what is known about them and, while this Nimbus leads, the decisions
// about them.
//
//     followed ──(term begins: read everything)──► led ──(term ends)──► followed
//
// A follower knows what ZooKeeper tells. For a leader its own memory comes first: each decision is
// noted there and written at once, under its term. At most one write per topology is under way,
// and nothing is decided about the topology until it is settled. If a write fails for another
// reason than the end of the term, the leader reads everything again and decides nothing
// meanwhile; requests are held. So no decision is lost by reading. Each epoch of an assignment is
// given once, even if its assignment was never written.
//
// Unreadable is not gone: such a topology is listed by its name, keeps its slots, and can be
// killed. Nor does a topology end because ZooKeeper was emptied or restored: one that vanished
// without the mark of its removal, or that runs without being in ZooKeeper, is listed as MISSING,
// and its slots stay taken. Killing it makes the mark, by which Supervisors end it. If workers run
// by a newer assignment than ZooKeeper has, what runs counts.
//
// Decisions follow events: a submission, a Supervisor that comes or goes, a report, the end of a
// wait. Events that come together are scheduled together. An outage of ZooKeeper, or a change of
// leader, moves nothing: Supervisors have kReturnGrace to come back. A Supervisor whose session
// lives, but that has not reported for kReportsLost, is lost all the same if at least half of all
// do report.
//
// Threads: the loop's. An answer may come from inside the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"
#include "cluster/description.h"
#include "cluster/seal.h"
#include "coordination/cluster_state.h"
#include "nimbus/blobs/blob_store.h"
#include "nimbus/lifecycle/lifecycle.h"
#include "nimbus/topology_store/report_book.h"

namespace storm::nimbus {

/// The reason why a request is refused.
struct Refusal {
    enum class Kind : std::uint8_t {
        kNotLeader,
        kNotFound,
        kConflict,
        kInvalid,
        kUnavailable,
    };
    Kind kind = Kind::kUnavailable;
    std::string why;
    std::string hint = {};
};
using Answered = std::function<void(std::optional<Refusal>)>;

/// Checked: name and settings are good, and `description` was read from the record's text.
struct Submission {
    cluster::TopologyRecord record;  ///< Without id, time and secret, which Topologies fills in.
    cluster::Description description;
};
/// The id, or the refusal.
using Submitted = std::function<void(std::string id, std::optional<Refusal>)>;

/// Borrowed; valid until control returns to the loop.
struct TopologyView {
    const cluster::TopologyRecord& record;    ///< If it cannot be read: id, name and time only.
    const cluster::Description& description;  ///< If it cannot be read: empty.
    /// The status of its record, or "UNREADABLE": it exists, but cannot be read; or "MISSING": it
    /// is gone from ZooKeeper though nobody has killed it.
    std::string_view state;
    const cluster::Assignment& assignment;
    const std::vector<std::string>& unassigned;
    const std::vector<std::string>& notes;
};

struct TopologyCounters {
    std::uint64_t schedulings = 0;
    /// Topologies that the scheduler looked at; all others had what they wanted.
    std::uint64_t topologies_placed = 0;
    std::uint64_t assignments_written = 0;
    std::uint64_t workers_moved = 0;  ///< Workers that got a slot, or other executors.
    std::uint64_t reports = 0;
    std::uint64_t writes_failed = 0;
    std::uint64_t terms = 0;
};

struct WrittenAssignment;  // nimbus/topology_store/followed_topologies.h

class Topologies {
public:
    /// `term` is asked before each decision, because this process may have slept.
    using CurrentTerm = std::function<std::optional<coordination::Term>()>;

    /// `task_timeout`: a Supervisor without a session counts as present while its last report is
    /// younger. So does, for as long after its end, one whose session ended while it was reporting:
    /// it is being restarted in order. `seal` makes secrets and keys.
    Topologies(coordination::ClusterState& state, base::EventLoop& loop,
               const base::WallClock& wall, base::Micros task_timeout, CurrentTerm term,
               const cluster::Seal& seal);
    ~Topologies();
    Topologies(const Topologies&) = delete;
    Topologies& operator=(const Topologies&) = delete;

    // ---- Events.
    void begin_term(const coordination::Term& term);
    void end_term();
    void connection_lost();  ///< Supervisors that vanish now may be healthy.
    void saw_leader(const cluster::Leadership& leader);

    // ---- Requests.
    void submit(Submission submission, const Submitted& done);
    void activate(const std::string& name, const Answered& done);
    void deactivate(const std::string& name, const Answered& done);
    /// Without `wait_ms`, topology.message.timeout.secs applies.
    void kill(const std::string& name, std::optional<std::int64_t> wait_ms, const Answered& done);
    /// Drains it for at most as long, then spreads it anew over the slots that there are. Answered
    /// when that is decided, not when it is done.
    void rebalance(const std::string& name, std::optional<std::int64_t> wait_ms,
                   const cluster::Rebalance& asked, const Answered& done);
    std::optional<Refusal> report(cluster::SupervisorReport report);

    // ---- Queries.
    /// Whether it leads, and has read everything that was there before.
    bool leading() const;
    std::vector<TopologyView> all() const;  ///< Ordered by id.
    /// The topology that requests mean by this name or id.
    std::optional<TopologyView> topology(const std::string& name) const;
    /// The assignment in ZooKeeper, whoever leads: Supervisors follow that one. Null: there is none
    /// (yet), or what is known of it is from before this session. Valid as long as a TopologyView.
    const WrittenAssignment* assignment(const std::string& id);
    /// A worker asks whether it may run on, since its Supervisor is away.
    void asked(const std::string& id, std::uint32_t worker);
    /// Whether a worker has asked within kAskedLately.
    bool is_asking(const std::string& id, std::uint32_t worker) const;
    /// Whether this Nimbus leads, and knows that it was removed recently, within the limits of
    /// nimbus/limits.h.
    bool was_removed(const std::string& id) const;
    /// The key that seals answers to its workers (cluster/sealed_answer.h). Null: it is not known.
    const std::string* answer_key(const std::string& id) const;
    const std::map<std::string, cluster::SupervisorRecord>& supervisors() const;
    /// Is connected, or counts as connected.
    bool is_present(const std::string& supervisor) const;
    /// Has a session, but has not reported for kReportsUnknown, so its last report is old.
    bool is_silent(const std::string& supervisor) const;
    /// Workers of the removed topology of that name whose end nobody has confirmed, because their
    /// Supervisors were away. Empty: none, or unknown here.
    std::string may_still_run(const std::string& name) const;
    /// Errors of the topology with this id, the latest last; also those not written yet.
    std::vector<cluster::TopologyError> errors(const std::string& id) const;
    const ReportBook& book() const;
    const TopologyCounters& counters() const;
    /// Problems that somebody must look at, as text; empty: none.
    std::vector<std::string> problems() const;
    /// Whether everything in use is known: blobs that no topology names are unused.
    bool all_can_be_read() const;
    /// The blobs that topologies name. Nothing: unknown (yet).
    std::optional<BlobUsers> blobs_in_use() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace storm::nimbus

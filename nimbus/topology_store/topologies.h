// The cluster's topologies: what is known of them, and, while this Nimbus leads, what becomes of
// them.
//
//     followed ──(term begins: read everything)──► led ──(term ends)──► followed
//
// While it follows, it knows what ZooKeeper tells. While it leads, its own memory comes first: each
// decision is noted there and written, under its term, at once. Of each topology one write is under
// way at most, and nothing is decided about it until that is settled. When one fails for another
// reason than the term's end, it reads everything anew, and decides nothing meanwhile: requests are
// held, so that nothing that was decided is lost by reading. Each epoch of an assignment is given
// once, also if what had it was never written.
//
// What it cannot read is not gone: such a topology is listed by its name, keeps its slots, and can
// be killed. Nor is it killed because ZooKeeper was emptied or has become older: what has gone
// without the mark of its removal, or runs somewhere though it is not there, is listed as MISSING,
// and its slots stay taken. Killing it makes the mark, by which its Supervisors end it. Where
// workers run by a newer assignment than ZooKeeper has, what runs counts.
//
// It decides on events: a submission, a Supervisor that comes or goes, a report, a wait that is
// over. Events that come together are scheduled together. An outage of ZooKeeper, or a change of
// leader, moves nothing: Supervisors get kReturnGrace to come back. A Supervisor whose session
// lives, but that does not report for kReportsLost, is lost all the same, if at least half of all
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
#include "coordination/cluster_state.h"
#include "nimbus/lifecycle/lifecycle.h"
#include "nimbus/topology_store/report_book.h"

namespace storm::nimbus {

/// Why a request is not granted.
struct Refusal {
    enum class Kind : std::uint8_t {
        kNotLeader,
        kNotFound,
        kGone,  ///< It was there, and was removed.
        kConflict,
        kInvalid,
        kUnavailable,
    };
    Kind kind = Kind::kUnavailable;
    std::string why;
    std::string hint = {};
};
using Answered = std::function<void(std::optional<Refusal>)>;

/// Checked: the name and settings are good, and `description` is what the text in it says.
struct Submission {
    cluster::TopologyRecord record;  ///< Less id, time and secret, which it is given.
    cluster::Description description;
};
/// The id, or why not.
using Submitted = std::function<void(std::string id, std::optional<Refusal>)>;

/// Borrowed; good until control returns to the loop.
struct TopologyView {
    const cluster::TopologyRecord& record;    ///< If it cannot be read: id, name and time only.
    const cluster::Description& description;  ///< If it cannot be read: of nothing.
    /// Of its record. Or "UNREADABLE": that is there, but cannot be read. Or "MISSING": it has gone
    /// from ZooKeeper though nobody has killed it.
    std::string_view state;
    const cluster::Assignment& assignment;
    const std::vector<std::string>& unassigned;
    const std::vector<std::string>& notes;
};

struct TopologyCounters {
    std::uint64_t schedulings = 0;
    std::uint64_t topologies_placed = 0;  ///< In those: the others had what they wanted.
    std::uint64_t assignments_written = 0;
    std::uint64_t workers_moved = 0;  ///< Got a slot, or other executors.
    std::uint64_t reports = 0;
    std::uint64_t writes_failed = 0;
    std::uint64_t terms = 0;
};

class Topologies {
public:
    /// `term` is asked before each decision: this process may have slept.
    using CurrentTerm = std::function<std::optional<cluster::Term>()>;
    /// 32 random bytes.
    using MakeSecret = std::function<std::string()>;

    /// `task_timeout`: a Supervisor without a session, but with a report that is younger, is there.
    /// So is, for as long from then on, one whose session was ended while it still reported: it is
    /// restarted in order.
    Topologies(cluster::ClusterState& state, cluster::EventLoop& loop, const base::WallClock& wall,
               base::Micros task_timeout, CurrentTerm term, MakeSecret secret);
    ~Topologies();
    Topologies(const Topologies&) = delete;
    Topologies& operator=(const Topologies&) = delete;

    // Events.
    void begin_term(const cluster::Term& term);
    void end_term();
    void connection_lost();  ///< Supervisors that are missed soon may be well.
    void saw_leader(const cluster::Leadership& leader);

    // Requests.
    void submit(Submission submission, const Submitted& done);
    void activate(const std::string& name, const Answered& done);
    void deactivate(const std::string& name, const Answered& done);
    /// Without a wait: topology.message.timeout.secs.
    void kill(const std::string& name, std::optional<std::int64_t> wait_ms, const Answered& done);
    std::optional<Refusal> report(cluster::SupervisorReport report);

    // What is known.
    /// Leads, and has read what was before it.
    bool leading() const;
    std::vector<TopologyView> all() const;  ///< By id.
    /// That which requests mean by this name, or id.
    std::optional<TopologyView> topology(const std::string& name) const;
    /// As ZooKeeper has it, whoever leads: what Supervisors go by. Null: there is none (yet).
    const cluster::Assignment* assignment(const std::string& id) const;
    /// A worker asks here whether it may run on, since its Supervisor is away.
    void asked(const std::string& id, std::uint32_t worker);
    /// Whether one has within kAskedLately.
    bool is_asking(const std::string& id, std::uint32_t worker) const;
    /// This Nimbus leads, and knows that it was removed: of late, as nimbus/limits.h says.
    bool was_removed(const std::string& id) const;
    const std::map<std::string, cluster::SupervisorRecord>& supervisors() const;
    /// Is, or is taken to be, connected.
    bool is_present(const std::string& supervisor) const;
    /// Has a session, but has not reported for kReportsUnknown: what it told is old.
    bool is_silent(const std::string& supervisor) const;
    /// Workers of the removed topology of that name of which nobody has said that they have ended:
    /// their Supervisors were away. Empty: none, or it is not known here.
    std::string may_still_run(const std::string& name) const;
    const std::map<std::string, cluster::TopologyErrors>& errors() const;  ///< By topology's id.
    const ReportBook& book() const;
    const TopologyCounters& counters() const;
    /// What somebody must look at, in words; empty: nothing.
    std::vector<std::string> problems() const;
    /// Of what they need nothing is unknown: what no one names is not in use.
    bool all_can_be_read() const;
    /// Of all blobs that some topology names. Nothing: not known (yet).
    std::optional<std::set<std::string>> blobs_in_use() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace storm::nimbus

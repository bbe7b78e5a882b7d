// Decides which Supervisors count as present: those with a session that report; those without a
// session for a while after an outage or an election, which end the sessions of healthy daemons;
// those that were restarted in order; and those that still report.
//
//     there ──(its session ends)──► expected ──(grace, reports and return are over)──► lost
//       │ no report for kReportsLost, though most others do report                      │
//       └────────────────────────────────► silent, as good as lost ◄────────────────────┘
//
// A Supervisor that was lost and is back is unsteady for kSteadyAfter.
//
// Time:    passed with each call. The reports are in the ReportBook that it is given.
// Threads: one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "coordination/cluster_state.h"
#include "nimbus/topology_store/report_book.h"

namespace storm::nimbus {

class SupervisorPresence {
public:
    using Records = std::map<std::string, cluster::SupervisorRecord>;

    /// `task_timeout` is the one of Topologies.
    SupervisorPresence(const ReportBook& book, base::Micros task_timeout);

    /// Takes the present records in ZooKeeper. Returns the Supervisors that came, went, or changed.
    std::set<std::string> take(const Records& records, const coordination::Unreadable& unreadable,
                               base::Micros now);
    /// A term begins; reports are expected from now on.
    void begin(base::Micros now);
    void end();
    /// Supervisors that vanish now may be healthy.
    void expect_all(base::Micros now);
    /// Looks for Supervisors that do not report. Returns whether that set has changed.
    bool look_at_silent(base::Micros now);
    /// Notes that an absent Supervisor is needed. Returns since when it is missed.
    base::Micros miss(const std::string& id, base::Micros now);

    bool known() const { return known_; }
    const Records& records() const { return records_; }
    /// Without the silent ones.
    Records reporting() const;
    bool is_present(const std::string& id, base::Micros now) const;
    /// How long a Supervisor with a session has not reported; 0 outside of a term.
    base::Micros silent_for(const std::string& id, base::Micros now) const;
    base::Micros grace_until() const { return grace_until_; }
    /// Until when a Supervisor without a session counts as present, unless it reports again.
    base::Micros expected_until(const std::string& id) const;
    /// Supervisors that came back recently, and until when each is unsteady.
    const std::map<std::string, base::Micros>& unsteady_until(base::Micros now);

private:
    void came_(const std::string& id, base::Micros now);
    void went_(const std::string& id, base::Micros now);

    const ReportBook& book_;
    const base::Micros task_timeout_;
    Records records_;
    std::set<std::string> unreadable_;
    bool known_ = false;
    std::map<std::string, base::Micros> seen_since_;       // For those in records_.
    std::map<std::string, base::Micros> returning_until_;  // Gone, but in order.
    std::map<std::string, base::Micros> lost_since_;
    std::map<std::string, base::Micros> unsteady_until_;
    std::set<std::string> silent_;
    std::optional<base::Micros> began_;  // Start of the term.
    base::Micros grace_until_ = 0;
};

}  // namespace storm::nimbus

// Which Supervisors are there, or are to be taken for that: those with a session that report; those
// without one for a while after an outage or an election, which end sessions of who is well; those
// that were restarted in order; and those that still report.
//
//     there ──(its session ends)──► expected ──(grace, reports and return are over)──► lost
//       │ no report for kReportsLost, though most others do report                      │
//       └────────────────────────────────► silent, as good as lost ◄────────────────────┘
//
// One that was lost and is back is unsteady for kSteadyAfter.
//
// Time:    comes with each call. What Supervisors report lies in the ReportBook that it is given.
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

    /// `task_timeout`: as Topologies has it.
    SupervisorPresence(const ReportBook& book, base::Micros task_timeout);

    /// What ZooKeeper has now. Returns who came, went, or has another record.
    std::set<std::string> take(const Records& records, const cluster::Unreadable& unreadable,
                               base::Micros now);
    /// A term begins, in which reports are waited for.
    void begin(base::Micros now);
    void end();
    /// Those that are missed soon may be well.
    void expect_all(base::Micros now);
    /// Looks who does not report. Returns whether that has changed.
    bool look_at_silent(base::Micros now);
    /// Somebody needs one that is not there. Returns since when.
    base::Micros miss(const std::string& id, base::Micros now);

    bool known() const { return known_; }
    const Records& records() const { return records_; }
    /// Of those that are not silent.
    Records reporting() const;
    bool is_present(const std::string& id, base::Micros now) const;
    /// It has a session; since when has it told nothing? 0 unless a term lasts.
    base::Micros silent_for(const std::string& id, base::Micros now) const;
    base::Micros grace_until() const { return grace_until_; }
    /// Until when one without a session is taken to be there, unless it reports again.
    base::Micros expected_until(const std::string& id) const;
    /// Until when each of those that came back of late is unsteady.
    const std::map<std::string, base::Micros>& unsteady_until(base::Micros now);

private:
    void came_(const std::string& id, base::Micros now);
    void went_(const std::string& id, base::Micros now);

    const ReportBook& book_;
    const base::Micros task_timeout_;
    Records records_;
    std::set<std::string> unreadable_;
    bool known_ = false;
    std::map<std::string, base::Micros> seen_since_;       // Of records_.
    std::map<std::string, base::Micros> returning_until_;  // Gone, but in order.
    std::map<std::string, base::Micros> lost_since_;
    std::map<std::string, base::Micros> unsteady_until_;
    std::set<std::string> silent_;
    std::optional<base::Micros> began_;  // The term.
    base::Micros grace_until_ = 0;
};

}  // namespace storm::nimbus

#include "nimbus/topology_store/supervisor_presence.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "nimbus/limits.h"

namespace storm::nimbus {

SupervisorPresence::SupervisorPresence(const ReportBook& book, base::Micros task_timeout)
    : book_(book), task_timeout_(task_timeout) {}

std::set<std::string> SupervisorPresence::take(const Records& records,
                                               const coordination::Unreadable& unreadable,
                                               base::Micros now) {
    std::set<std::string> touched;
    for (const auto& [id, record] : records) {
        const auto before = records_.find(id);
        if (before == records_.end()) {
            base::log::info("supervisor is there", {{"supervisor", id}, {"host", record.host}});
            came_(id, now);
        }
        if (before == records_.end() || before->second != record) touched.insert(id);
    }
    for (const auto& [id, record] : records_) {
        if (records.count(id) > 0) continue;
        base::log::warn("supervisor is gone", {{"supervisor", id}, {"host", record.host}});
        went_(id, now);
        touched.insert(id);
    }
    records_ = records;
    STORM_CHECK(seen_since_.size() == records_.size(), "each that is there was seen to come");
    unreadable_.clear();
    for (const auto& [id, why] : unreadable) unreadable_.insert(id);
    known_ = true;
    return touched;
}

void SupervisorPresence::came_(const std::string& id, base::Micros now) {
    seen_since_[id] = now;
    returning_until_.erase(id);
    if (lost_since_.erase(id) > 0) unsteady_until_[id] = now + kSteadyAfter;
}

void SupervisorPresence::went_(const std::string& id, base::Micros now) {
    seen_since_.erase(id);
    silent_.erase(id);
    // It was alive a moment ago, so its session was ended, and did not expire.
    const auto heard = book_.heard(id);
    if (heard && now - *heard < kAliveUntilGone) returning_until_[id] = now + task_timeout_;
    // It stays lost in between, so that one that comes and goes never becomes steady by going.
    if (unsteady_until_.erase(id) > 0) miss(id, now);
}

base::Micros SupervisorPresence::miss(const std::string& id, base::Micros now) {
    // Supervisors that were lost for long count as new when they come back. The first time counts:
    // each run of the scheduler misses it again.
    std::erase_if(lost_since_, [&](const auto& each) { return now - each.second > kLostKept; });
    return lost_since_.try_emplace(id, now).first->second;
}

void SupervisorPresence::begin(base::Micros now) {
    began_ = now;
    expect_all(now);
}

void SupervisorPresence::end() {
    // Only a leader hears reports, so nobody is silent for a follower.
    began_.reset();
    silent_.clear();
}

void SupervisorPresence::expect_all(base::Micros now) {
    grace_until_ = now + kReturnGrace;
}

/// Silent Supervisors count as lost if most others report; otherwise the fault is ours.
bool SupervisorPresence::look_at_silent(base::Micros now) {
    std::set<std::string> found;
    std::size_t heard = 0;
    for (const auto& [id, record] : records_) {
        if (silent_for(id, now) > kReportsLost) found.insert(id);
        const auto last = book_.heard(id);
        if (last && now - *last <= kReportsUnknown) ++heard;
    }
    if (2 * heard < records_.size()) found.clear();
    if (found == silent_) return false;
    for (const std::string& id : found) {
        if (silent_.count(id) > 0) continue;
        base::log::warn("supervisor has a session, but does not report: taken for lost",
                        {{"supervisor", id}});
    }
    for (const std::string& id : silent_) {
        // As after a new session: its workers were taken for lost, and may have been moved.
        if (found.count(id) == 0) came_(id, now);
    }
    silent_ = std::move(found);
    return true;
}

SupervisorPresence::Records SupervisorPresence::reporting() const {
    Records reporting = records_;
    for (const std::string& id : silent_) reporting.erase(id);
    return reporting;
}

bool SupervisorPresence::is_present(const std::string& id, base::Micros now) const {
    // Before the session, which lives on in a process whose loop or network hangs.
    if (silent_.count(id) > 0) return false;
    return records_.count(id) > 0 || unreadable_.count(id) > 0 || now < expected_until(id);
}

base::Micros SupervisorPresence::silent_for(const std::string& id, base::Micros now) const {
    const auto seen = seen_since_.find(id);
    if (!began_ || seen == seen_since_.end()) return 0;
    return now - std::max({*began_, seen->second, grace_until_ - kReturnGrace,
                           book_.heard(id).value_or(0)});
}

/// The latest of the reasons to wait: an outage or a new term, which are no fault of its; reports,
/// which need no ZooKeeper; and an end in order, after which it comes back.
base::Micros SupervisorPresence::expected_until(const std::string& id) const {
    const auto heard = book_.heard(id);
    const auto returning = returning_until_.find(id);
    return std::max({grace_until_, heard ? *heard + task_timeout_ : 0,
                     returning == returning_until_.end() ? 0 : returning->second});
}

const std::map<std::string, base::Micros>& SupervisorPresence::unsteady_until(base::Micros now) {
    std::erase_if(unsteady_until_, [now](const auto& each) { return now >= each.second; });
    return unsteady_until_;
}

}  // namespace storm::nimbus

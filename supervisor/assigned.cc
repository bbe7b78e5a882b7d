#include "supervisor/assigned.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace storm::supervisor {

Assigned::Assigned(coordination::ClusterState& state, base::EventLoop& loop,
                   std::function<void()> changed)
    : state_(state), loop_(loop), changed_(std::move(changed)) {}

Assigned::~Assigned() {
    lifetime_.end();
}

/// Everything that is missing in ZooKeeper goes here, too. Whether its workers go on is for look()
/// to say; the slots keep the assignment that they were started by.
void Assigned::take(const std::map<std::string, cluster::Assignment>& assignments,
                    const Running& running) {
    Assignments taken;
    older_.clear();
    for (const auto& [topology, assignment] : assignments) {
        const Assignments::mapped_type* known = nullptr;
        if (assignments_) {
            const auto at = assignments_->find(topology);
            if (at != assignments_->end()) known = &at->second;
        }
        // The newer one stays, as if ZooKeeper still had it. If it is not known, because only its
        // worker tells of it, the topology has none, and runs on in doubt.
        if (is_older_(assignment, running)) {
            older_[topology] = assignment.epoch;
            if (known != nullptr) taken[topology] = *known;
        } else if (known != nullptr && **known == assignment) {
            taken[topology] = *known;  // An unchanged assignment stays the same object.
        } else {
            taken[topology] = std::make_shared<const cluster::Assignment>(assignment);
        }
    }
    assignments_ = std::move(taken);
}

/// Whether it is older than one that is known. But an assignment that ends a topology always
/// counts: an end is final.
bool Assigned::is_older_(const cluster::Assignment& assignment, const Running& running) const {
    if (assignment.status == cluster::Status::kKilled ||
        assignment.status == cluster::Status::kFinished) {
        return false;
    }
    if (assignments_) {
        const auto known = assignments_->find(assignment.topology);
        if (known != assignments_->end() && assignment.epoch < known->second->epoch) return true;
    }
    return std::any_of(running.begin(), running.end(), [&](const auto& each) {
        const Target& target = each.second;
        return target.topology == assignment.topology && target.epoch > assignment.epoch;
    });
}

bool Assigned::look(const Running& running) {
    STORM_CHECK(assignments_, "an absence means something only once they are known");
    ask_for_removals_(running);
    std::map<std::string, std::string> doubts = reasons_();
    in_doubt_.clear();
    for (const auto& [topology, why] : doubts) in_doubt_.insert(topology);
    // While the answer is on its way its workers go on: an absence must be known for a removal
    // before it ends anything.
    for (const auto& [topology, absence] : absences_) {
        if (absence == Absence::kAsked) in_doubt_.insert(topology);
    }
    if (doubts == doubts_) return false;
    for (const auto& [topology, why] : doubts) {
        if (doubts_.count(topology) > 0) continue;
        base::log::error("a worker goes on in doubt", {{"topology", topology}, {"why", why}});
    }
    doubts_ = std::move(doubts);
    return true;
}

void Assigned::ask_for_removals_(const Running& running) {
    std::set<std::string> missing;
    for (const auto& [port, target] : running) {
        if (assignments_->count(target.topology) == 0) missing.insert(target.topology);
    }
    // Assigned again, or it no longer runs: either way the question is over, and a later absence
    // must be asked for anew.
    std::erase_if(absences_, [&](const auto& each) {
        const bool is_over = missing.count(each.first) == 0;
        if (is_over) state_.unfollow_removal(each.first);
        return is_over;
    });
    for (const std::string& topology : missing) {
        // Asked once; the answer comes again whenever it changes.
        if (!absences_.try_emplace(topology, Absence::kAsked).second) continue;
        state_.follow_removal(topology, [this, topology](bool removed) {
            const Absence now = removed ? Absence::kRemoved : Absence::kLost;
            const auto known = absences_.find(topology);
            if (known == absences_.end() || known->second == now) return;
            known->second = now;
            // Posted, because look() may unfollow this very topology.
            loop_.post(lifetime_.guard([this] { changed_(); }));
        });
    }
}

/// Later ones replace earlier ones: of an assignment that cannot be read nothing else is certain.
std::map<std::string, std::string> Assigned::reasons_() const {
    std::map<std::string, std::string> reasons;
    for (const auto& [topology, absence] : absences_) {
        if (absence != Absence::kLost) continue;
        reasons[topology] =
            "ZooKeeper has lost its assignment, and nobody has removed it; it goes on by the last "
            "one (docs/operating.md says what to do)";
    }
    for (const auto& [topology, epoch] : older_) {
        reasons[topology] = "ZooKeeper has an older assignment of it, of epoch " +
                            std::to_string(epoch) +
                            ", as if it had been restored; it goes on by the last one";
    }
    for (const auto& [topology, why] : state_.unreadable_assignments()) {
        reasons[topology] = "its assignment in ZooKeeper cannot be read (" + why +
                            "); it goes on by the last one that could";
    }
    return reasons;
}

}  // namespace storm::supervisor

#include "nimbus/topology_store/followed_topologies.h"

#include <utility>

#include "base/check.h"
#include "base/sha256.h"
#include "cluster/record_codec.h"
#include "nimbus/limits.h"
#include "nimbus/topology_store/led_topology.h"

namespace storm::nimbus {

FollowedTopologies::FollowedTopologies(coordination::ClusterState& state,
                                       const base::EventLoop& loop, const cluster::Seal& seal,
                                       std::function<void()> changed)
    : state_(state), loop_(loop), seal_(seal), changed_(std::move(changed)) {
    state.follow_topologies(lifetime_.guard([this](const auto& records) { take_(records); }));
    state.follow_assignments(lifetime_.guard([this](const auto& records) { take_(records); }));
    state.follow_errors(lifetime_.guard([this](const auto& records) { errors_ = records; }));
}

void FollowedTopologies::take_(const std::map<std::string, cluster::TopologyRecord>& records) {
    // While topologies_ is still what was there before: the difference is what vanished.
    note_vanished(records);
    const auto former = std::exchange(topologies_, records);
    known_ = true;
    describe_(former);
    unreadable_.clear();
    for (const auto& [id, why] : state_.unreadable_topologies()) {
        if (records.count(id) == 0) unreadable_.emplace(id, record_in(id));
    }
    changed_();
}

void FollowedTopologies::take_(const std::map<std::string, cluster::Assignment>& records) {
    for (const auto& [id, assignment] : assignments_) {
        if (records.count(id) > 0) continue;
        vanished_[id].assignment = assignment;
        vanished_[id].at = loop_.now();
    }
    std::erase_if(written_, [&](const auto& each) {
        const auto now = records.find(each.first);
        return now == records.end() || now->second != assignments_.at(each.first);
    });
    // After written_ was compared with the former ones: bytes that outlived their assignment would
    // tell workers to run by it.
    assignments_ = records;
    changed_();
}

const WrittenAssignment* FollowedTopologies::written_assignment(const std::string& id) {
    const auto found = assignments_.find(id);
    if (found == assignments_.end() || !state_.assignments_are_of_this_session()) return nullptr;
    const auto [at, is_new] = written_.try_emplace(id);
    if (is_new) {
        at->second.bytes = cluster::encode(found->second);
        at->second.sha256 = base::sha256(at->second.bytes);
    }
    return &at->second;
}

/// Reads each description once, unless a rebalance changes it, and makes each key once.
void FollowedTopologies::describe_(const std::map<std::string, cluster::TopologyRecord>& former) {
    const auto is_gone = [this](const auto& each) { return !topologies_.contains(each.first); };
    std::erase_if(descriptions_, is_gone);
    std::erase_if(answer_keys_, is_gone);
    for (const auto& [id, record] : topologies_) {
        const auto [at, is_new] = descriptions_.try_emplace(id);
        if (is_new) answer_keys_[id] = seal_.answer_key(record);
        const auto before = former.find(id);
        const bool same =
            before != former.end() && before->second.description == record.description;
        if (!is_new && same) continue;
        auto read = cluster::read_description(record.description);
        at->second = read ? std::move(read).value() : cluster::Description{};
    }
    STORM_CHECK(descriptions_.size() == topologies_.size(), "each topology has a description");
}

const cluster::Description& FollowedTopologies::description(const std::string& id) const {
    const auto at = descriptions_.find(id);
    STORM_CHECK(at != descriptions_.end(), "it is asked for by what topologies() has");
    return at->second;
}

const std::string* FollowedTopologies::answer_key(const std::string& id) const {
    const auto at = answer_keys_.find(id);
    return at == answer_keys_.end() || !at->second ? nullptr : &*at->second;
}

void FollowedTopologies::note_vanished(const std::map<std::string, cluster::TopologyRecord>& now) {
    std::erase_if(vanished_, [this](const auto& each) {
        return loop_.now() - each.second.at > kVanishedKept;
    });
    for (const auto& [id, record] : topologies_) {
        // A topology that was being killed is expected to go; that is not a loss.
        if (now.count(id) > 0 || record.status == cluster::Status::kKilled) continue;
        vanished_[id].record = record;
        vanished_[id].at = loop_.now();
    }
}

void FollowedTopologies::note_vanished(const std::string& id, const cluster::TopologyRecord& record,
                                       const cluster::Assignment& assignment) {
    vanished_[id] = {record, assignment, loop_.now()};
}

}  // namespace storm::nimbus

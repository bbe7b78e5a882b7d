// The one who sees everything that happens in a simulated cluster. It judges each event by the
// promises of docs/guarantees.md.
//
// A copy is one row on its way to one task. An attempt is one emit of a message by a spout's task,
// with all copies that come of it.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cluster/records.h"

namespace storm::sim {

using Attempt = std::uint64_t;
using Copy = std::uint64_t;

/// Where a spout's task reads from. It outlives all workers, as a log on another host would, and
/// gives nothing to a life of the task that has a successor.
struct Source {
    std::uint64_t owner = 0;  ///< Incarnation of the last worker that has begun to read.
    std::uint64_t next = 0;   ///< The first message that was never emitted.
    std::set<std::uint64_t> acked;
};

class Book {
public:
    // ---- Tuples.
    Source& source(const std::string& topology, std::int64_t task) {
        return sources_[{topology, task}];
    }
    Attempt emitted() { return ++attempts_made_; }
    Copy sent(Attempt attempt);
    /// A bolt has acked the copy, and has told what it has sent for it.
    void bolt_acked(Attempt attempt, Copy copy);
    void spout_acked(Attempt attempt);
    void spout_failed(Attempt attempt);
    /// A row has come to a task: number `place` of the rows from that life of the source's worker
    /// to this life of the target's.
    struct Channel {
        std::string topology;
        std::int64_t source = 0;
        std::uint64_t source_life = 0;
        std::int64_t target = 0;
        std::uint64_t target_life = 0;
        auto operator<=>(const Channel&) const = default;
    };
    void arrived(const Channel& channel, std::uint64_t place);

    // ---- Workers and assignments.
    void started(const std::string& topology, std::uint32_t worker, std::uint64_t incarnation);
    /// Any process has read it.
    void saw(const cluster::Assignment& assignment);
    /// Number of workers that were given a place in that epoch.
    std::size_t workers_placed(const std::string& topology, std::uint64_t epoch) const;
    void leads(const std::string& nimbus, std::uint64_t epoch);

    void fault(std::string what) { faults_.push_back(std::move(what)); }
    const std::vector<std::string>& faults() const { return faults_; }
    std::uint64_t acked_in_all() const { return acked_in_all_; }
    std::uint64_t failed_in_all() const { return failed_in_all_; }
    std::uint64_t starts() const { return starts_.size(); }

private:
    struct Known {
        std::set<Copy> open;
        bool settled = false;
    };
    std::map<std::pair<std::string, std::int64_t>, Source> sources_;
    std::map<Attempt, Known> attempts_;
    std::map<Channel, std::uint64_t> arrived_;
    std::set<std::tuple<std::string, std::uint32_t, std::uint64_t>> starts_;
    std::map<std::pair<std::string, std::uint64_t>, cluster::Assignment> assignments_;
    std::map<std::tuple<std::string, std::uint32_t, std::uint64_t>, std::string> places_;
    std::map<std::uint64_t, std::string> terms_;
    std::vector<std::string> faults_;
    Attempt attempts_made_ = 0;
    Copy copies_made_ = 0;
    std::uint64_t acked_in_all_ = 0;
    std::uint64_t failed_in_all_ = 0;
};

}  // namespace storm::sim

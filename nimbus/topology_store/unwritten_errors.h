// Errors that ZooKeeper may not have yet: those to be written, and those being written. Queries add
// them to the errors that ZooKeeper has, so that the latest errors show at once.
//
// Threads: plain values.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cluster/records.h"
#include "nimbus/topology_store/report_book.h"

namespace storm::nimbus {

class UnwrittenErrors {
public:
    using Errors = std::vector<cluster::TopologyError>;
    using ByTopology = std::map<std::string, Errors>;

    void add(ReportBook::News&& news) {
        for (auto& [topology, error] : news) {
            if (error.error.size() > cluster::kErrorBytesMax) {
                error.error.erase(cluster::kErrorBytesMax);
            }
            cluster::merge_errors(errors_[topology], {error});
        }
    }
    /// Returns all errors, for writing them now. The batch before must have been written.
    const ByTopology& take() { return being_written_ = std::exchange(errors_, {}); }
    /// Those of a topology that take() returned were not written, as far as is known: they wait for
    /// the next take(). If they were written all the same, they count twice.
    void not_written(const std::string& topology) {
        const auto batch = being_written_.find(topology);
        if (batch == being_written_.end()) return;  // Forgotten meanwhile.
        Errors again = std::move(batch->second);
        being_written_.erase(batch);
        cluster::merge_errors(again, errors_[topology]);
        errors_[topology] = std::move(again);
    }
    bool empty() const { return errors_.empty(); }
    /// Adds the errors of a topology that are missing in `known`, which ZooKeeper has.
    void add_to(Errors& known, const std::string& topology) const {
        const auto missing = [&known](const cluster::TopologyError& error) {
            return std::none_of(known.begin(), known.end(), [&error](const auto& each) {
                return each.component == error.component && each.error == error.error &&
                       each.time_ms >= error.time_ms;
            });
        };
        Errors fresh;
        std::copy_if(of_(being_written_, topology).begin(), of_(being_written_, topology).end(),
                     std::back_inserter(fresh), missing);
        cluster::merge_errors(known, fresh);
        cluster::merge_errors(known, of_(errors_, topology));
    }
    void forget(const std::string& topology) {
        errors_.erase(topology);
        being_written_.erase(topology);
    }
    void clear() {
        errors_.clear();
        being_written_.clear();
    }

private:
    static const Errors& of_(const ByTopology& all, const std::string& topology) {
        static const Errors kNone;
        const auto at = all.find(topology);
        return at == all.end() ? kNone : at->second;
    }

    ByTopology errors_;
    ByTopology being_written_;
};

}  // namespace storm::nimbus

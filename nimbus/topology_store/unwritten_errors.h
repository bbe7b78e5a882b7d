// Errors that are to be written to ZooKeeper; the last kTopologyErrorsMax of each topology.
//
// Threads: plain values.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cluster/records.h"
#include "nimbus/topology_store/report_book.h"

namespace storm::nimbus {

class UnwrittenErrors {
public:
    using ByTopology = std::map<std::string, std::vector<cluster::TopologyError>>;

    void add(ReportBook::News&& news) {
        for (auto& [topology, error] : news) {
            if (error.error.size() > cluster::kErrorBytesMax) {
                error.error.erase(cluster::kErrorBytesMax);
            }
            auto& list = errors_[topology];
            list.push_back(std::move(error));
            if (list.size() > cluster::kTopologyErrorsMax) list.erase(list.begin());
        }
    }
    /// Returns all errors, for writing them now.
    ByTopology take() { return std::exchange(errors_, {}); }
    bool empty() const { return errors_.empty(); }
    void forget(const std::string& topology) { errors_.erase(topology); }
    void clear() { errors_.clear(); }

private:
    ByTopology errors_;
};

}  // namespace storm::nimbus

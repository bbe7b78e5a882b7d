// Secrets of topologies on their way through ZooKeeper: sealed (AES-256-GCM) with a key that is
// derived from the cluster's token. Nimbus seals what is submitted; Supervisors, which have the
// token too, open it when they start a worker. docs/decisions/0011-secrets.md says why.
//
// Bound to topology and key: what is sealed opens nowhere else.
//
// Threads: immutable.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cluster/records.h"

namespace storm::cluster {

/// Every sealed value begins with it, and no other.
inline constexpr std::string_view kSealMark = "storm-sealed-1:";

class Seal {
public:
    explicit Seal(std::string_view token);

    /// Of one that is submitted. The error: a value looks like a sealed one.
    base::Result<TopologyRecord> sealed(TopologyRecord record) const;
    /// What lies in ZooKeeper for TopologyRecord::secret: random, but shows which token it is of.
    std::string new_secret() const;
    /// For its workers. The error: it was submitted under another token.
    base::Result<TopologyRecord> opened(TopologyRecord record) const;

private:
    std::string key_;
};

}  // namespace storm::cluster

// Keeps the secrets of topologies sealed in ZooKeeper (AES-256-GCM), with a key derived from the
// cluster's token. Nimbus seals what is submitted; Supervisors, which have the token too, open it
// when they start a worker. docs/decisions/0011-secrets.md has the reasons.
//
// A sealed value is bound to its topology and key: it opens nowhere else.
//
// Threads: immutable.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cluster/records.h"

namespace storm::cluster {

/// Prefix of every sealed value, and of no other.
inline constexpr std::string_view kSealMark = "storm-sealed-1:";

class Seal {
public:
    explicit Seal(std::string_view token);

    /// Seals a submitted record. An error if a value looks like a sealed one.
    base::Result<TopologyRecord> sealed(TopologyRecord record) const;
    /// The TopologyRecord::secret in ZooKeeper: random, but shows to which token it belongs.
    std::string new_secret() const;
    /// The record for a topology's workers. An error if it was submitted under another token.
    base::Result<TopologyRecord> opened(TopologyRecord record) const;

private:
    std::string key_;
};

}  // namespace storm::cluster

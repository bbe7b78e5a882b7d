// Keeps the secrets of topologies sealed in ZooKeeper (AES-256-GCM), with a key derived from the
// cluster's token. Nimbus seals what is submitted; Supervisors, which have the token too, open it
// when they start a worker. docs/decisions/0011-secrets.md has the reasons.
//
// A sealed value is bound to its topology and key: it opens nowhere else. The mark of a removal
// keeps the key for answers to workers (cluster/sealed_answer.h), sealed in the same way.
//
// Threads: immutable.
#pragma once

#include <optional>
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

    /// The key for answers to the topology's workers (cluster/sealed_answer.h). Nothing if the
    /// record was submitted under another token, or has no secret because only its id is known.
    std::optional<std::string> answer_key(const TopologyRecord& record) const;
    /// The mark of the topology's removal, with that key.
    Removal removal_of(const TopologyRecord& record) const;
    /// The key in a mark. Nothing if the mark has none, or one of another topology or token.
    std::optional<std::string> answer_key(const std::string& topology,
                                          const Removal& removal) const;

private:
    /// The secret that the topology's workers share. Nothing: it was submitted under another token.
    std::optional<std::string> secret_of_workers_(const TopologyRecord& record) const;

    std::string key_;
};

}  // namespace storm::cluster

// Gets everything that a worker needs to start: the record of its topology, and the artifacts in
// its directory.
//
// Threads: the loop's; blocking work is left to the Errands.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "coordination/cluster_state.h"
#include "daemon/errands.h"
#include "net/address.h"
#include "supervisor/artifact_cache.h"
#include "supervisor/downloads.h"
#include "supervisor/places.h"
#include "supervisor/slot.h"

namespace storm::supervisor {

struct Fetched {
    std::shared_ptr<const cluster::TopologyRecord> topology;  ///< Shared by its users; immutable.
    std::string program;
    std::optional<uid_t> user;  ///< The user that it runs as; nothing: ours.
};

class Fetcher {
public:
    using Then = std::function<void(base::Result<Fetched>)>;
    using Nimbuses = std::function<std::vector<net::Address>()>;

    /// `files` runs what is quick, `removals` and `downloads` what may take minutes. `token_file`
    /// has the token that opens the secrets of topologies.
    Fetcher(coordination::ClusterState& state, const base::WallClock& wall, daemon::Errands& files,
            daemon::Errands& removals, Downloads& downloads, Places places, Nimbuses nimbuses,
            std::string token_file);

    void fetch(const Target& target, Then then);
    /// Reads the record for a worker that runs already, so that it is there when needed.
    void get_ready(const Target& target);
    /// Forgets records, and removes files that have not been used for long.
    void keep_only(const std::set<std::string>& topologies);

private:
    using Record = std::shared_ptr<const cluster::TopologyRecord>;
    /// A rebalance changes settings, and gives all workers a new epoch in the same step. So what
    /// was read for one epoch does for earlier ones, too.
    struct Known {
        Record record;
        std::uint64_t epoch = 0;  ///< The latest of a worker for which it was read.
    };

    void read_(const Target& target, std::function<void(base::Result<Record>)> then);
    base::Result<cluster::TopologyRecord> opened_(cluster::TopologyRecord record) const;
    void stage_(const Record& record, std::uint32_t number, bool downloaded, const Then& then);
    void staged_(const Record& record, std::uint32_t number, bool downloaded,
                 const base::Result<Staged>& staged, const Then& then);

    coordination::ClusterState& state_;
    const base::WallClock& wall_;
    daemon::Errands& files_;
    daemon::Errands& removals_;
    Downloads& downloads_;
    const Places places_;
    const Nimbuses nimbuses_;
    const std::string token_file_;          // Empty: no token.
    std::map<std::string, Known> records_;  ///< Keyed by id.
};

}  // namespace storm::supervisor

// The programs and files of topologies on this host, stored by content.
//
// Everything that is started has been checked: the SHA-256 of each artifact is computed at each
// start of a worker. A file with a wrong one is deleted and downloaded again.
//
//     stage() ──► all there: in the worker's directory
//        ▲   └──► missing ──► download() of each ──┐
//        └─────────────────────────────────────────┘
//
// Threads: any; stage() and put_aside() one at a time per directory, download() beside them on
//          some. They block.
// Cost:    stage() reads each artifact (SHA-256: 0.4 to 2 GB/s) and copies all but the program.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "cluster/records.h"
#include "net/address.h"
#include "net/http_client.h"
#include "supervisor/places.h"

namespace storm::supervisor {

struct Staged {
    std::vector<cluster::Artifact> missing;  ///< Empty: the worker can be started.
    std::string program;                     ///< Path in the worker's directory.
    std::optional<uid_t> user;               ///< Owner of that directory; nothing: this process.
};
/// Checks the artifacts, and puts them into the directory of worker `number`.
base::Result<Staged> stage(const Places& places, const cluster::TopologyRecord& topology,
                           std::uint32_t number);

/// Its limits let nobody who listens at the address of a Nimbus hold up a download for long.
net::HttpCall call_for(const cluster::Artifact& artifact, const net::Address& nimbus,
                       const std::string& path);
/// Downloads from the first Nimbus that has it. An error quotes the answers of all.
base::Result<base::Done> download(const Places& places, const cluster::Artifact& artifact,
                                  const std::vector<net::Address>& nimbuses);

struct InUse {
    std::set<std::string> topologies;
    std::optional<std::set<std::string>> artifacts;  ///< SHA-256s; nothing: not all are known.
};
/// Removes artifacts that are not in use and have not been for kUnusedArtifactAge, and renames the
/// folders of workers whose topology has not been in use for kOldWorkerAge. Returns their new
/// paths, also those that an earlier process left.
std::vector<std::string> put_aside(const Places& places, const InUse& in_use,
                                   std::chrono::system_clock::time_point now);
/// Any thread. Logs what cannot be removed; put_aside() returns that again.
void remove_all(const std::vector<std::string>& paths);

}  // namespace storm::supervisor

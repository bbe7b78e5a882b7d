// The programs and files of topologies on this host, by content.
//
// What is started has been checked before: the SHA-256 of every artifact is computed at each start
// of a worker. A file that has another one is deleted, and downloaded again.
//
//     stage() ──► all there: in the worker's directory
//        ▲   └──► missing ──► download() of each ──┐
//        └─────────────────────────────────────────┘
//
// Threads: any, but one at a time for one directory: stage() and clean_up() on one thread,
//          download() on another. They block.
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
#include "supervisor/places.h"

namespace storm::supervisor {

struct HostPort {
    std::string host;
    std::uint16_t port = 0;

    friend bool operator==(const HostPort&, const HostPort&) = default;
};
/// "host:port", or "host" with `port_otherwise`.
base::Result<HostPort> host_port(const std::string& text, std::uint16_t port_otherwise);

struct Staged {
    std::vector<cluster::Artifact> missing;  ///< Empty: the worker can be started.
    std::string program;                     ///< Path, in the worker's directory.
    std::optional<uid_t> user;               ///< Whose that directory is; nothing: ours.
};
/// Checks the artifacts, and puts them into the directory of worker `number`.
base::Result<Staged> stage(const Places& places, const cluster::TopologyRecord& topology,
                           std::uint32_t number);

/// From the first Nimbus that has it. The error says what each of them said.
base::Result<base::Done> download(const Places& places, const cluster::Artifact& artifact,
                                  const std::vector<HostPort>& nimbuses);

/// Removes artifacts that are not in `used` (SHA-256) and that nothing has used for
/// kUnusedArtifactAge, and what workers left behind of topologies that are not in `topologies` for
/// kOldWorkerAge.
void clean_up(const Places& places, const std::set<std::string>& used,
              const std::set<std::string>& topologies, std::chrono::system_clock::time_point now);

}  // namespace storm::supervisor

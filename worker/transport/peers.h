// Identity and address of the workers of a topology, as they know each other.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>

namespace storm::worker {

/// This worker, as it presents itself to the others.
struct LinkIdentity {
    std::string topology;  ///< Topology id.
    std::string secret;    ///< Shared by all workers of the topology.
    std::uint32_t worker = 0;
    std::uint64_t incarnation = 0;
};

/// Where another worker listens.
struct PeerPlace {
    std::string host;
    std::uint16_t port = 0;
    std::uint64_t epoch = 0;  ///< The high half of the worker's incarnations there.

    friend bool operator==(const PeerPlace&, const PeerPlace&) = default;
};

struct LinkStatus {
    std::uint32_t worker = 0;
    bool up = false;
    bool lost = false;  ///< Fenced, and no successor has come yet.
    std::uint64_t incarnation = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t refused = 0;  ///< Connections ended because of what the peer sent.
};

}  // namespace storm::worker

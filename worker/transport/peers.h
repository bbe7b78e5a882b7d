// Who the workers of a topology are for each other.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>

namespace storm::worker {

/// Who this worker is for the others.
struct LinkIdentity {
    std::string topology;  ///< Id.
    std::string secret;    ///< That all workers of the topology share.
    std::uint32_t worker = 0;
    std::uint64_t incarnation = 0;
};

/// Where a worker is.
struct PeerPlace {
    std::string host;
    std::uint16_t port = 0;
    std::uint64_t epoch = 0;  ///< The high half of its incarnations there.

    friend bool operator==(const PeerPlace&, const PeerPlace&) = default;
};

struct LinkStatus {
    std::uint32_t worker = 0;
    bool up = false;
    bool lost = false;  ///< Given up; no successor has come yet.
    std::uint64_t incarnation = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t refused = 0;  ///< Connections ended for what the peer sent.
};

}  // namespace storm::worker

// The links to all other workers of the topology, and the thread that runs them.
//
//     loops ──► PeerOutbox ──► Outbound ──► frames ──► TCP ──► frames ──► Inbound ──► loops
//                              └────────────── Link ──────────────┘
//
// The worker with the lower number dials; the other one listens on its slot's port.
// docs/guarantees.md says what links promise, docs/wire-format.md specifies their frames.
//
// Order:   make the engine, then listen(), then start(), then the engine's start(). The engine's
//          loops use this until they have stopped: stop the engine, destroy this, then destroy the
//          engine.
// Threads: one of its own, `links`; all public functions may be called from any other.
// Cost:    a batch takes about 3 us of this thread on each side, and each of its rows 25 ns.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "worker/executor/shared.h"
#include "worker/transport/limits.h"
#include "worker/transport/peers.h"

namespace storm::worker {

class Transport {
public:
    /// `superseded` is called on the links' thread when others have fenced this incarnation: the
    /// process must end. Port 0 takes any free port.
    static base::Result<std::unique_ptr<Transport>> listen(
        Shared& shared, LinkIdentity identity, const std::string& host, std::uint16_t port,
        const base::Clock& clock, std::function<void()> superseded, const LinkTimes& times = {});
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    ~Transport();

    std::uint16_t port() const;
    void start();
    /// Cuts all connections and ends the thread. What the engine still sends stays in the outboxes.
    void close();
    /// `peers` is indexed by worker number; empty: that worker has no slot now. A newer epoch of a
    /// slot fences the incarnations before it. `epoch` is that of the assignment.
    void set_peers(std::vector<std::optional<PeerPlace>> peers, std::uint64_t epoch = 0);
    std::vector<LinkStatus> status() const;

    // ---- At the end of the topology.
    /// From now on a peer that has not been connected for `patience` is gone: nobody waits for its
    /// rows, or for it to take some, any longer, and rows for it are lost. If something is missing
    /// because of that, `missing` is called on the links' thread, once for each peer, before a task
    /// ends because of it and before the `done` of flush().
    void drain(base::Micros patience, std::function<void(std::uint32_t worker)> missing);
    /// This worker has done its part. `done` is called on the links' thread when peers have taken
    /// all that it sent, or when `patience` is over; peers may connect meanwhile. REQUIRES: the
    /// engine has stopped.
    void flush(base::Micros patience, std::function<void(bool complete)> done);

private:
    class Impl;
    explicit Transport(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace storm::worker

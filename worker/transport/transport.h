// The links to all other workers of the topology, and the thread that runs them.
//
//     loops ──► PeerOutbox ──► Outbound ──► frames ──► TCP ──► frames ──► Inbound ──► loops
//                              └────────────── Link ──────────────┘
//
// The worker with the lower number dials; the other one listens on its slot's port.
// docs/guarantees.md says what a link promises, docs/wire-format.md what it says.
//
// Order:   make the engine, then listen(), then start(), then the engine's start(). Destroy it
//          before the engine, after that has stopped: its loops come here until then.
// Threads: one of its own, `links`; all public functions may be called from any other.
// Cost:    a batch crosses in about 3 us of this thread on each side, its rows in 25 ns each.
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
    /// `superseded` is called, from the links' thread, when others have given this incarnation up:
    /// the process must end. Port 0: any free one.
    static base::Result<std::unique_ptr<Transport>> listen(
        Shared& shared, LinkIdentity identity, const std::string& host, std::uint16_t port,
        const base::Clock& clock, std::function<void()> superseded, const LinkTimes& times = {});
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    ~Transport();

    std::uint16_t port() const;
    void start();
    /// Cuts all connections and ends the thread; what the engine still sends stays where it is.
    void close();
    /// By worker number; nothing: it has no place now. A newer epoch of a place gives up what was
    /// there before. `epoch`: of the assignment that says so.
    void set_peers(std::vector<std::optional<PeerPlace>> peers, std::uint64_t epoch = 0);
    std::vector<LinkStatus> status() const;

    // ---- At the end of the topology.
    /// From now on a peer that is not connected for `patience` is gone for good: whoever waits for
    /// rows of it, or until it takes some, waits no longer, and what is for it is lost. If anything
    /// is missing for that, `missing` is told, from the links' thread, once for each: before a task
    /// may end for it, and before the `done` of flush().
    void drain(base::Micros patience, std::function<void(std::uint32_t worker)> missing);
    /// This worker has done its part. `done` is called, from the links' thread, when all that it
    /// has sent is taken by peers that are connected, or come within `patience`; or it is over.
    /// REQUIRES: the engine has stopped.
    void flush(base::Micros patience, std::function<void(bool complete)> done);

private:
    class Impl;
    explicit Transport(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace storm::worker

// Everything that the executors of a topology share in this worker, for each of them, its loop and
// the links to other workers.
//
// It depends neither on loops nor on links, which depend on it: it has them as Executor and
// Entrance.
//
// Order:   filled before anything runs; destroyed after everything that uses it.
// Threads: the tables are constant once anything runs; the other parts say for themselves.
// Cost:    the parts are members, one step away from a Shared&.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <storm/topology.h>

#include "base/clock.h"
#include "worker/executor/error_book.h"
#include "worker/executor/message_timeouts.h"
#include "worker/executor/run_state.h"
#include "worker/executor/spout_window.h"
#include "worker/queue/batch.h"
#include "worker/queue/control_pool.h"
#include "worker/queue/cycle.h"
#include "worker/queue/entrance.h"
#include "worker/queue/peer_outbox.h"
#include "worker/wiring/share.h"
#include "worker/wiring/wiring.h"

namespace storm::worker {

class Executor;

struct Shared {
    /// Makes everything but `entrances` and `executors`. `clock` must outlive this. Throws as
    /// Wiring does.
    Shared(Topology topology, const Config& config, const base::Clock& clock_given, Share share);
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared();

    /// A loop, or the way to another worker.
    Entrance& entrance(std::uint32_t destination) { return *entrances[destination]; }
    /// REQUIRES: it runs in this worker.
    Executor& executor_of(TaskId task) {
        return *executors[wiring.executor_of_task[static_cast<std::size_t>(task)]];
    }
    Cycle* cycle_of(std::size_t component) const;
    Cycle* cycle_between(std::size_t source, std::size_t target) const;
    /// More is in flight than topology.worker.buffer.bytes.
    bool over_budget() const {
        return pool.bytes_in_flight.load(std::memory_order_relaxed) > limits.budget_bytes;
    }

    const Wiring wiring;
    const Limits limits;
    const MessageTimeouts timeouts;
    const base::Clock& clock;
    CommonPool pool;
    ControlPool controls;
    RunState state;
    ErrorBook errors;
    std::vector<std::unique_ptr<Cycle>> cycles;
    // Indexed by component; null for bolts.
    std::vector<std::unique_ptr<SpoutWindow>> spout_windows;
    std::vector<std::unique_ptr<PeerOutbox>> peers;  // Indexed by worker; null for this one.
    std::vector<Entrance*> entrances;                // Indexed by destination.
    std::vector<Executor*> executors;                // Indexed as in the plan; null: elsewhere.
};

}  // namespace storm::worker

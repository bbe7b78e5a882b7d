// What the executors of a topology have in common, in this worker: all that one of them, its loop
// or a link to another worker needs of the rest.
//
// It knows neither who runs executors nor who carries what they emit: these look up to it, and it
// holds them as Entrance and Executor, whatever is behind.
//
// Order:   filled before anything runs; destroyed after all that use it.
// Threads: the tables are constant once anything runs; the other parts say for themselves.
// Cost:    the parts are members, so that whoever has a Shared& has them one step away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <storm/topology.h>

#include "base/clock.h"
#include "worker/executor/error_book.h"
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
    /// Makes all but `entrances` and `executors`. `clock` outlives it. Throws as Wiring does.
    Shared(Topology topology, const Config& config, const base::Clock& clock_given, Share share);
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared();

    /// A loop, or the way to another worker.
    Entrance& entrance(std::uint32_t destination) { return *entrances[destination]; }
    /// REQUIRES: it runs here.
    Executor& executor_of(TaskId task) {
        return *executors[wiring.executor_of_task[static_cast<std::size_t>(task)]];
    }
    Cycle* cycle_of(std::size_t component) const;
    Cycle* cycle_between(std::size_t source, std::size_t target) const;
    /// More is on its way than topology.worker.buffer.bytes.
    bool over_budget() const {
        return pool.bytes_in_flight.load(std::memory_order_relaxed) > limits.budget_bytes;
    }

    const Wiring wiring;
    const Limits limits;
    const base::Clock& clock;
    CommonPool pool;
    ControlPool controls;
    RunState state;
    ErrorBook errors;
    std::vector<std::unique_ptr<Cycle>> cycles;
    std::vector<std::unique_ptr<SpoutWindow>> spout_windows;  // By component; null: a bolt.
    std::vector<std::unique_ptr<PeerOutbox>> peers;           // By worker; null: this one.
    std::vector<Entrance*> entrances;                         // By destination.
    std::vector<Executor*> executors;                         // As in the plan; null: elsewhere.
};

}  // namespace storm::worker

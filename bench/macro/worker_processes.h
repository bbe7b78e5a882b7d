// The workers of a topology, each in a process of its own, as in a cluster but without daemons:
// forked before anything has started, joined by links on loopback. Executors are dealt out in turn,
// as Storm's even scheduler does.
//
// Threads: the measuring thread's. The processes end with it, whatever happens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "bench/macro/meter.h"
#include "bench/macro/options.h"
#include "bench/macro/scenarios.h"

namespace storm::bench {

class WorkerProcesses {
public:
    /// Starts them. `graph` outlives this; its meter is shared with them.
    WorkerProcesses(const Graph& graph, const Options& options);
    WorkerProcesses(const WorkerProcesses&) = delete;
    WorkerProcesses& operator=(const WorkerProcesses&) = delete;
    ~WorkerProcesses();

    /// Throws std::runtime_error when one of them has ended.
    void wait(base::Micros timeout);
    /// Ends them; throws when something went wrong in one of them.
    void stop();

    const std::vector<pid_t>& pids() const { return pids_; }
    /// The most that one of them has had resident.
    double peak_rss_mb() const;

private:
    struct Shared;

    [[noreturn]] void run(std::uint32_t number, const Graph& graph, const Options& options);
    void reap(bool block);

    Shared* shared_;
    std::vector<pid_t> pids_;
    std::vector<pid_t> running_;
};

}  // namespace storm::bench

// The part of a topology that this process runs: all of it, or a cluster's assignment to this
// worker.
//
// Threads: a plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace storm::worker {

struct Share {
    std::uint32_t own = 0;      ///< This worker's number.
    std::uint32_t workers = 1;  ///< Numbers are 0 … workers - 1.
    /// Worker of each executor, indexed like Plan::executors; empty: all run here.
    std::vector<std::uint32_t> worker_of_executor;
    std::uint64_t incarnation = 0;    ///< Grows with each life of this worker.
    std::size_t workers_on_host = 1;  ///< Workers that share this host's cores, including this one.

    bool whole() const { return worker_of_executor.empty(); }
    std::uint32_t worker_of(std::size_t executor) const {
        return whole() ? own : worker_of_executor[executor];
    }
};

}  // namespace storm::worker

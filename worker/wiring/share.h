// Which part of a topology this process runs: all of it, or what a cluster assigned to this worker.
//
// Threads: a plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace storm::worker {

struct Share {
    std::uint32_t own = 0;      ///< This worker's number.
    std::uint32_t workers = 1;  ///< Their numbers are 0 to workers - 1.
    /// Worker of each executor, as in Plan::executors; empty: all are this worker's.
    std::vector<std::uint32_t> worker_of_executor;
    std::uint64_t incarnation = 0;    ///< Grows with each life of this worker.
    std::size_t workers_on_host = 1;  ///< That share this host's cores, this one included.

    bool whole() const { return worker_of_executor.empty(); }
    std::uint32_t worker_of(std::size_t executor) const {
        return whole() ? own : worker_of_executor[executor];
    }
};

}  // namespace storm::worker

// A host of a simulated cluster: the processes that run there, and what survives them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <sys/types.h>

#include "supervisor/saved_worker.h"
#include "tests/sim/supervisor.h"
#include "tests/sim/worker.h"

namespace storm::sim {

struct Host {
    int number = 0;
    int slots = 0;
    bool up = true;
    std::string boot = "1";
    /// Files of its Supervisor, by topology and worker.
    std::map<std::pair<std::string, std::uint32_t>, supervisor::SavedWorker> saved = {};
    std::unique_ptr<Supervisor> supervisor = {};  ///< Null: it does not run.
    std::map<pid_t, std::unique_ptr<Worker>> workers = {};
};

}  // namespace storm::sim

// File names of a Supervisor.
//
//     <storm.local.dir>/supervisor.lock, supervisor.json   daemon/local_dir.h
//                       identity.json                  id, home, and ports that it has picked
//                       users                          worker_users.h
//                       supervisor.sock                workers connect to it
//                       artifacts/<sha256>             0555, in a directory of mode 0700
//                       workers/<topology>/<number>/   a worker's directory: it runs there
//                       workers/<topology>/<number>.json   its SavedWorker
//     <log_dir>/<topology>/<number>/stdout, stderr, stderr.1 …
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "supervisor/isolation/user_ids.h"

namespace storm::supervisor {

struct Places {
    std::string local_dir;  ///< Absolute.
    /// <storm.log.dir>/workers-artifacts, or <storm.local.dir>/logs. Absolute.
    std::string log_dir;
    /// Owners of workers' folders; nothing: this process owns them, like everything else.
    std::optional<UserIds> users = std::nullopt;

    std::string identity() const { return local_dir + "/identity.json"; }
    std::string socket() const { return local_dir + "/supervisor.sock"; }
    std::string given_users() const { return local_dir + "/users"; }
    std::string artifacts() const { return local_dir + "/artifacts"; }
    std::string workers() const { return local_dir + "/workers"; }
    std::string topology(const std::string& topology) const { return workers() + '/' + topology; }
    std::string worker(const std::string& topology_id, std::uint32_t number) const {
        return topology(topology_id) + '/' + std::to_string(number);
    }
    std::string state(const std::string& topology_id, std::uint32_t number) const {
        return worker(topology_id, number) + ".json";
    }
    std::string logs(const std::string& topology_id, std::uint32_t number) const {
        return log_dir + '/' + topology_id + '/' + std::to_string(number);
    }
};

}  // namespace storm::supervisor

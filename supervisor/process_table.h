// The processes of this host, as the kernel tells of them.
//
// Threads: any.
// Cost:    20 to 30 microseconds for each of three files of each process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace storm::supervisor {

/// Variables that a worker is started with, and that its children inherit. User code may change
/// them, or give them up.
struct EnvironmentMarks {
    std::string topology;  ///< STORM_TOPOLOGY_ID; empty: it has none, like the next ones.
    std::string worker;    ///< STORM_WORKER.
    std::string port;      ///< STORM_WORKER_PORT.
    std::string home;      ///< STORM_SUPERVISOR_HOME: the Supervisor's Identity::home.
};
/// `environment` as in /proc/PID/environ: a zero behind each variable.
EnvironmentMarks marks_in(std::string_view environment);

struct Process {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t session = 0;
    std::uint64_t start_time = 0;  ///< Ticks since boot, as in /proc/PID/stat.
    bool has_ended = false;        ///< It is only waited for.
    EnvironmentMarks marks = {};
    std::optional<uid_t> user = {};      ///< Its real user; nothing: not known, or it has ended.
    bool is_without_privileges = false;  ///< It can get no new ones; nor can its descendants.
};

/// Reads of all processes but this one and the kernel's own.
std::vector<Process> all_processes();
/// Nothing: there is no such process. Together with the pid it identifies a process until the next
/// boot.
std::optional<std::uint64_t> start_time_of(pid_t pid);

/// Changes with each start of the kernel. Empty: not known.
std::string boot_id();

}  // namespace storm::supervisor

// A worker process: starting it, finding it again, signalling it, and seeing it end.
//
// It must survive its Supervisor: it has its own session, no pipe to us, and nothing kills it when
// we die. It inherits only what is listed here: stdin is empty, stdout and stderr are files,
// descriptor 3 is the Bootstrap, the environment is short. It loses its rights before its program
// is loaded: see isolation/isolation.h.
//
// Threads: one.
// Cost:    start() takes about 1 ms, until the program is executed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"
#include "supervisor/isolation/isolation.h"

namespace storm::supervisor {

/// For this process and its descendants: no new privileges, no core files. For this process alone:
/// its memory and environment are closed to others of its user. To be called before there are
/// threads.
base::Result<base::Done> harden();

struct Launch {
    std::string program;  ///< Path.
    std::string directory;
    std::string stdout_path;
    std::string stderr_path;
    std::string bootstrap;
    std::string topology;  ///< Topology id; for the environment, like the next three.
    std::uint32_t number = 0;
    std::uint16_t port = 0;
    std::string home;  ///< The Supervisor's Identity::home.
    Confinement confinement;
};

/// How a process ended.
struct Exit {
    bool known = false;  ///< False: it was not our child.
    int code = 0;        ///< Valid with signal 0.
    int signal = 0;

    /// Such as "exited with code 1", "killed by signal 9 (SIGKILL)", "ended".
    std::string text() const;
};

class WorkerProcess {
public:
    static base::Result<WorkerProcess> start(const Launch& launch);
    /// The process `pid`, if it is the one that started at `start_time`.
    static std::optional<WorkerProcess> find(pid_t pid, std::uint64_t start_time);
    /// A process that was started in this directory, but whose pid was never saved.
    static std::optional<WorkerProcess> find_in(const std::string& directory);

    pid_t pid() const { return pid_; }
    /// Ticks since boot, as in /proc/PID/stat. Together with the pid it identifies a process
    /// forever.
    std::uint64_t start_time() const { return start_time_; }
    /// Becomes readable when the process has ended.
    int pidfd() const { return pidfd_.get(); }
    void signal(int number) const;
    bool has_ended() const;
    /// Waits for that.
    bool ends_within(base::Micros patience) const;
    /// Also ends leftovers in its process group. REQUIRES: has_ended().
    Exit reap();

private:
    WorkerProcess(pid_t pid, base::Descriptor pidfd, std::uint64_t start_time)
        : pid_(pid), pidfd_(std::move(pidfd)), start_time_(start_time) {}

    pid_t pid_;
    base::Descriptor pidfd_;
    std::uint64_t start_time_;
};

}  // namespace storm::supervisor

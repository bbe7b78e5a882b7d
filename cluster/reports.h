// What runs, as those who run it tell: workers their Supervisor, Supervisors the leading Nimbus.
//
// Reports are full states, not changes: a lost one does no harm, the next one has it all. They go
// by socket and HTTP, never through ZooKeeper.
//
// Threads: plain values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/losses.h"

namespace storm::cluster {

enum class WorkerState : std::uint8_t {
    kStarting,  ///< Not all of its executors are prepared.
    kRunning,
    kFinished,   ///< Every task has ended.
    kFailed,     ///< It says why, and exits.
    kBackOff,    ///< Between two starts; said by the Supervisor.
    kCrashLoop,  ///< The same, after too many starts in too short a time.
};
std::string_view to_string(WorkerState state);  ///< "RUNNING", "CRASH_LOOP"

/// Who has said last that a worker may run on.
enum class LeaseHolder : std::uint8_t {
    kUnknown,     ///< It does not say.
    kSupervisor,  ///< As it should be.
    kNimbus,      ///< Its Supervisor is away, or cut off from ZooKeeper; Nimbus says so.
    kNobody,      ///< Nor does any Nimbus answer.
};
std::string_view to_string(LeaseHolder holder);  ///< "supervisor"; "" of kUnknown.

struct ComponentReport {
    std::string id;
    std::uint64_t emitted = 0;
    std::uint64_t transferred = 0;
    std::uint64_t executed = 0;
    std::uint64_t acked = 0;
    std::uint64_t failed = 0;
    std::uint64_t pending = 0;
    std::uint64_t errors = 0;
    std::uint64_t kept = 0;  ///< Inputs that a bolt keeps.
    Losses losses;
    /// Acked trees of spouts by latency: bucket i counts those below 2^i microseconds and not below
    /// half of that. Trailing zeros are left out.
    std::vector<std::uint64_t> complete_latency;
    std::vector<std::string> last_errors;

    friend bool operator==(const ComponentReport&, const ComponentReport&) = default;
};

/// A worker of itself.
struct WorkerReport {
    std::uint64_t assignment_epoch = 0;  ///< That it works by.
    WorkerState state = WorkerState::kStarting;
    LeaseHolder lease = LeaseHolder::kUnknown;
    std::uint16_t metrics_port = 0;
    /// With kFailed: why; with kFinished: what did not go through. From its Supervisor: why it
    /// cannot be started, or does not follow its assignment.
    std::string failure;
    std::vector<ComponentReport> components;  ///< Those it has executors of.

    friend bool operator==(const WorkerReport&, const WorkerReport&) = default;
};

/// A worker, as its Supervisor sees it.
struct WorkerStatus {
    std::string topology;  ///< Id.
    std::uint32_t number = 0;
    std::uint64_t incarnation = 0;  ///< Epoch << 32 | start count.
    std::uint16_t port = 0;
    std::int32_t pid = 0;  ///< 0: no process.
    std::uint32_t restarts = 0;
    std::vector<std::string> last_stderr;  ///< Of the last one that ended by itself.
    std::string exit;                      ///< "killed by signal 9"; empty: none has ended.
    WorkerReport report;

    friend bool operator==(const WorkerStatus&, const WorkerStatus&) = default;
};

struct SupervisorReport {
    std::string supervisor;  ///< Id.
    std::string host;
    std::uint16_t http_port = 0;
    std::vector<WorkerStatus> workers;

    friend bool operator==(const SupervisorReport&, const SupervisorReport&) = default;
};

/// JSON, for HTTP; unknown members are ignored.
std::string to_json(const SupervisorReport& report);
base::Result<SupervisorReport> supervisor_report(std::string_view json);

}  // namespace storm::cluster

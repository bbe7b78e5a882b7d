// Reports of what runs: workers report to their Supervisor, Supervisors to the leading Nimbus.
//
// A report is the full state, not a change, so a lost one does no harm. Reports go over sockets
// and HTTP, never through ZooKeeper.
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
    kStarting,  ///< Some of its executors are not prepared yet.
    kRunning,
    kFinished,   ///< Every task has ended.
    kFailed,     ///< It says why, and exits.
    kBackOff,    ///< Between two starts; reported by the Supervisor.
    kCrashLoop,  ///< The same, after too many starts in too short a time.
};
std::string_view to_string(WorkerState state);  ///< Such as "RUNNING" or "CRASH_LOOP".

/// The last one to confirm that a worker may run on.
enum class LeaseHolder : std::uint8_t {
    kUnknown,     ///< The worker does not say.
    kSupervisor,  ///< The normal case.
    kNimbus,      ///< Its Supervisor is away, or cut off from ZooKeeper; Nimbus confirms instead.
    kNobody,      ///< No Nimbus answers either.
};
std::string_view to_string(LeaseHolder holder);  ///< Such as "supervisor"; "" for kUnknown.

/// An error of a component, and how often it occurred.
struct ReportedError {
    std::string text;
    std::uint64_t count = 0;  ///< 0: an older worker, which reports each error.
    std::uint32_t task = 0;   ///< The last task that had it; 0: unknown.

    friend bool operator==(const ReportedError&, const ReportedError&) = default;
};

/// The text that a task has set by set_status().
struct TaskStatus {
    std::uint32_t task = 0;
    std::string text;

    friend bool operator==(const TaskStatus&, const TaskStatus&) = default;
};

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
    /// Latencies of acked trees, for spouts: bucket i counts those below 2^i microseconds and not
    /// below half of that. Trailing zeros are left out.
    std::vector<std::uint64_t> complete_latency;
    std::vector<ReportedError> last_errors;  ///< Ordered by their last occurrence.
    std::vector<TaskStatus> statuses;
    /// The task that has been in open() or prepare() longest, and for how long; 0: none.
    std::uint32_t opening_task = 0;
    std::uint32_t opening_secs = 0;

    friend bool operator==(const ComponentReport&, const ComponentReport&) = default;
};

/// A worker's report about itself.
struct WorkerReport {
    std::uint64_t assignment_epoch = 0;  ///< Epoch of the assignment in use.
    WorkerState state = WorkerState::kStarting;
    LeaseHolder lease = LeaseHolder::kUnknown;
    std::uint16_t metrics_port = 0;
    /// The reason, with kFailed; the losses, with kFinished. Set by its Supervisor: why it cannot
    /// be started, or does not follow its assignment.
    std::string failure;
    std::vector<ComponentReport> components;  ///< Components with executors in this worker.

    friend bool operator==(const WorkerReport&, const WorkerReport&) = default;
};

/// The beginning of WorkerStatus::exit if a signal has ended the process.
inline constexpr std::string_view kKilledBy = "killed by ";

/// A worker, as reported by its Supervisor.
struct WorkerStatus {
    std::string topology;  ///< Topology id.
    std::uint32_t number = 0;
    std::uint64_t incarnation = 0;  ///< Epoch << 32 | start count.
    std::uint16_t port = 0;
    std::int32_t pid = 0;  ///< 0: no process.
    std::uint32_t restarts = 0;
    std::vector<std::string> last_stderr;  ///< Stderr of the last process that ended by itself.
    std::string exit;                      ///< Such as "killed by signal 9"; empty: none has ended.
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

/// Removes the texts of user code: for readers without the right to see them, or to save room.
void clear_texts(WorkerReport& report);

/// JSON, for HTTP. Readers ignore unknown members.
std::string to_json(const SupervisorReport& report);
base::Result<SupervisorReport> supervisor_report(std::string_view json);

}  // namespace storm::cluster

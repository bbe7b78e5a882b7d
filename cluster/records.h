// The records that the daemons share through ZooKeeper: plain values.
//
//     who         writes                 reads
//     Nimbus      TopologyRecord         Supervisors, when they start a worker of it
//                 Assignment             Supervisors, which watch it
//                 Leadership             everybody
//                 NimbusRecord           everybody
//                 TopologyErrors         Nimbus
//                 Removal                Nimbus; Supervisors ask whether it is there
//     Supervisor  SupervisorRecord       Nimbus
//
// docs/zookeeper-layout.md has the paths, cluster/record_codec.h the encoding. A record of more
// than kRecordBytesMax is refused before it is written, because ZooKeeper would only drop the
// connection.
//
// Threads: plain values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace storm::cluster {

/// ZooKeeper's limit is 1 MiB with all overhead.
inline constexpr std::size_t kRecordBytesMax = 900 * 1024;

/// A file of a topology, stored by content.
struct Artifact {
    std::string name;    ///< File name in the worker's directory; no slash.
    std::string sha256;  ///< 64 hex digits in lower case.
    std::uint32_t mode = 0;
    std::uint64_t bytes = 0;

    friend bool operator==(const Artifact&, const Artifact&) = default;
};

enum class Status : std::uint8_t { kActive, kInactive, kKilled, kRebalancing, kFinished };
std::string_view to_string(Status status);  ///< Such as "ACTIVE".
/// Whether its workers are to run.
bool is_running(Status status);
/// Whether its workers finish what is in flight, and end.
bool is_draining(Status status);

/// How a topology is to be spread anew.
struct Rebalance {
    Status back_to = Status::kActive;  ///< Its status before, and afterwards.
    std::uint32_t workers = 0;         ///< 0: as many as before.
    /// New numbers of executors, by component; the others keep theirs.
    std::map<std::string, std::uint32_t> executors = {};

    friend bool operator==(const Rebalance&, const Rebalance&) = default;
};

/// A submitted topology. What is not changed by requests about its status never changes, but for
/// the settings and the numbers of executors that a rebalance replaces.
struct TopologyRecord {
    std::string id;    ///< Such as "wc-3-1732170000": name, number, seconds since 1970.
    std::string name;  ///< Unique among topologies that are not removed.
    std::int64_t submitted_ms = 0;                ///< Since 1970.
    std::string description;                      ///< Output of --describe.
    std::map<std::string, std::string> settings;  ///< The settings that it runs with.
    std::vector<Artifact> artifacts;              ///< The first one is the program.
    std::string secret;                           ///< 32 random bytes, shared by its workers.
    Status status = Status::kActive;
    std::int64_t killed_ms = 0;     ///< Since 1970; set with kKilled.
    std::int64_t kill_wait_ms = 0;  ///< Workers that still drain after this time are stopped.
    bool sealed = false;            ///< Its secrets are sealed; see cluster/seal.h.
    Rebalance rebalance = {};       ///< Set with kRebalancing.
    std::string newer = {};         ///< As in Assignment.

    friend bool operator==(const TopologyRecord&, const TopologyRecord&) = default;
};

/// The place of one worker process of a topology.
struct WorkerSlot {
    std::uint32_t number = 0;  ///< Among the topology's workers, from 0; kept when it moves.
    std::string supervisor;
    std::string host;  ///< Address for other workers.
    std::uint16_t port = 0;
    /// Epoch of the assignment that placed it there; the high half of its incarnation.
    std::uint64_t epoch = 0;

    friend bool operator==(const WorkerSlot&, const WorkerSlot&) = default;
};

/// Places the workers of a topology, and says whether they should run. Supervisors follow it.
/// Replaced as a whole.
struct Assignment {
    std::string topology;     ///< Topology id.
    std::uint64_t epoch = 0;  ///< Grows with each change.
    Status status = Status::kActive;
    std::int64_t kill_wait_ms = 0;    ///< Time for draining; set with kKilled and kRebalancing.
    std::vector<WorkerSlot> workers;  ///< Ordered by number; may have gaps.
    /// Number of the worker, or kUnassigned; in the plan's order of executors.
    std::vector<std::uint32_t> worker_of_executor;
    /// The original bytes, if they have fields that this version does not know; encode() keeps
    /// those. Empty: they have none.
    std::string newer = {};

    friend bool operator==(const Assignment&, const Assignment&) = default;
};
inline constexpr std::uint32_t kUnassigned = ~0U;

/// A live Supervisor: an ephemeral node.
struct SupervisorRecord {
    std::string id;
    std::string host;
    std::uint16_t http_port = 0;
    std::vector<std::uint16_t> slots;  ///< Ports.
    std::string storm_version;
    std::string machine;  ///< Such as "x86_64".
    std::string glibc;    ///< Such as "2.36".
    std::vector<std::string> cpu_features;
    std::int64_t started_ms = 0;
    std::string home;  ///< An id that was generated with its local directory.
    std::uint32_t pid = 0;
    std::string isolation;  ///< The isolation of its workers, as text for people; empty: unknown.

    friend bool operator==(const SupervisorRecord&, const SupervisorRecord&) = default;
};

/// A live Nimbus: an ephemeral node.
struct NimbusRecord {
    std::string id;  ///< Such as "host:port".
    std::string host;
    std::uint16_t port = 0;
    std::string storm_version;
    std::int64_t started_ms = 0;

    friend bool operator==(const NimbusRecord&, const NimbusRecord&) = default;
};

/// The leader. Every write of the leader depends on the version of this node.
struct Leadership {
    std::uint64_t epoch = 0;  ///< Grows with each new leader; 0: there was none yet.
    std::string nimbus;       ///< Id.
    /// Start of that process; distinguishes it from a later one with the same id.
    std::int64_t started_ms = 0;

    friend bool operator==(const Leadership&, const Leadership&) = default;
};

/// A recent error in a topology, kept across changes of the leader.
struct TopologyError {
    std::string component;  ///< Empty: it concerns the topology, or a worker.
    std::string error;
    std::int64_t time_ms = 0;   ///< Milliseconds since 1970; the last time if it was repeated.
    std::uint64_t count = 1;    ///< Number of equal errors.
    std::int64_t first_ms = 0;  ///< The first time; 0: written by an older Nimbus.
    std::uint32_t task = 0;     ///< The last task that had it; 0: none, or unknown.

    friend bool operator==(const TopologyError&, const TopologyError&) = default;
};
struct TopologyErrors {
    std::vector<TopologyError> errors;  ///< The oldest first; at most kTopologyErrorsMax.

    friend bool operator==(const TopologyErrors&, const TopologyErrors&) = default;
};
inline constexpr std::size_t kTopologyErrorsMax = 20;
/// Adds new errors. Equal errors of a component become one entry, which moves to the end.
void merge_errors(std::vector<TopologyError>& known, const std::vector<TopologyError>& fresh);
/// Longer texts are cut.
inline constexpr std::size_t kErrorBytesMax = 2048;

/// The mark that a topology was removed. Its presence says so, whatever its content.
struct Removal {
    /// Sealed key for answers to the topology's workers (cluster/seal.h, cluster/sealed_answer.h).
    /// Empty: an older version has made the mark, or nobody knew the topology's secret.
    std::string answer_key;

    friend bool operator==(const Removal&, const Removal&) = default;
};

}  // namespace storm::cluster

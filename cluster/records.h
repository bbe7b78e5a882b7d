// The records that the daemons share through ZooKeeper: plain values, and their encoding.
//
//     who         writes                 reads
//     Nimbus      TopologyRecord         Supervisors, when they start a worker of it
//                 Assignment             Supervisors, which watch it
//                 Leadership             everybody
//                 NimbusRecord           everybody
//                 TopologyErrors         Nimbus
//     Supervisor  SupervisorRecord       Nimbus
//
// docs/zookeeper-layout.md has the paths. Encoded with Cap'n Proto (cluster/records.capnp), so that
// daemons of different versions can read each other; a record of more than kRecordBytesMax is
// refused before it is written, since ZooKeeper would only drop the connection.
//
// Threads: plain values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace storm::cluster {

/// ZooKeeper takes 1 MiB with all overhead.
inline constexpr std::size_t kRecordBytesMax = 900 * 1024;

/// A file of a topology, kept by content.
struct Artifact {
    std::string name;    ///< File name in the worker's directory; no slash.
    std::string sha256;  ///< 64 hex digits, lower case.
    std::uint32_t mode = 0;
    std::uint64_t bytes = 0;

    friend bool operator==(const Artifact&, const Artifact&) = default;
};

enum class Status : std::uint8_t { kActive, kInactive, kKilled, kRebalancing, kFinished };
std::string_view to_string(Status status);  ///< "ACTIVE"

/// A submitted topology; all but status and what goes with it never changes.
struct TopologyRecord {
    std::string id;                 ///< "wc-3-1732170000": name, number, seconds since 1970.
    std::string name;               ///< Unique among those that are not removed.
    std::int64_t submitted_ms = 0;  ///< Since 1970.
    std::string description;        ///< What --describe printed.
    std::map<std::string, std::string> settings;  ///< That it is run with, by key.
    std::vector<Artifact> artifacts;              ///< The first one is the program.
    std::string secret;                           ///< 32 random bytes that its workers share.
    Status status = Status::kActive;
    std::int64_t killed_ms = 0;     ///< Since 1970; with kKilled.
    std::int64_t kill_wait_ms = 0;  ///< After which workers that still drain are stopped.
    bool sealed = false;            ///< Secrets are as cluster/seal.h makes them.
    std::string newer = {};         ///< As in Assignment.

    friend bool operator==(const TopologyRecord&, const TopologyRecord&) = default;
};

/// Where one worker process of a topology runs.
struct WorkerSlot {
    std::uint32_t number = 0;  ///< Among the topology's workers, from 0 on; stays when it moves.
    std::string supervisor;
    std::string host;  ///< Where other workers reach it.
    std::uint16_t port = 0;
    std::uint64_t epoch = 0;  ///< Of the assignment that put it there: the high half of its
                              ///< incarnation.

    friend bool operator==(const WorkerSlot&, const WorkerSlot&) = default;
};

/// What runs where, and whether it should: all that Supervisors follow. Replaced as a whole.
struct Assignment {
    std::string topology;     ///< Id.
    std::uint64_t epoch = 0;  ///< Grows with each change.
    Status status = Status::kActive;
    std::int64_t kill_wait_ms = 0;                  ///< With kKilled: how long draining may take.
    std::vector<WorkerSlot> workers;                ///< By number; may have gaps.
    std::vector<std::uint32_t> worker_of_executor;  ///< Worker's number, in the plan's order of
                                                    ///< executors; kUnassigned.
    /// The bytes that it was read from, if they hold more than this version knows, which encode()
    /// keeps. Empty: they do not.
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
    std::string machine;  ///< "x86_64"
    std::string glibc;    ///< "2.36"
    std::vector<std::string> cpu_features;
    std::int64_t started_ms = 0;
    std::string home;  ///< Of its local directory: an id made up with it.
    std::uint32_t pid = 0;
    std::string isolation;  ///< What holds for its workers, for people; empty: not known.

    friend bool operator==(const SupervisorRecord&, const SupervisorRecord&) = default;
};

/// A live Nimbus: an ephemeral node.
struct NimbusRecord {
    std::string id;  ///< "host:port"
    std::string host;
    std::uint16_t port = 0;
    std::string storm_version;
    std::int64_t started_ms = 0;

    friend bool operator==(const NimbusRecord&, const NimbusRecord&) = default;
};

/// Who leads. Every write of the leader depends on the version of this node.
struct Leadership {
    std::uint64_t epoch = 0;      ///< Grows with each new leader; 0: there was none yet.
    std::string nimbus;           ///< Id.
    std::int64_t started_ms = 0;  ///< Of that process: tells it from a later one of the same id.

    friend bool operator==(const Leadership&, const Leadership&) = default;
};

/// What went wrong in a topology of late, whoever leads.
struct TopologyError {
    std::string component;  ///< Empty: the topology, or a worker of it.
    std::string error;
    std::int64_t time_ms = 0;  ///< Since 1970.

    friend bool operator==(const TopologyError&, const TopologyError&) = default;
};
struct TopologyErrors {
    std::vector<TopologyError> errors;  ///< The oldest first, at most kTopologyErrorsMax.

    friend bool operator==(const TopologyErrors&, const TopologyErrors&) = default;
};
inline constexpr std::size_t kTopologyErrorsMax = 20;
/// What is longer is cut.
inline constexpr std::size_t kErrorBytesMax = 2048;

/// What was read of a newer version's fields is written again. Of a TopologyRecord that has such
/// only the last three fields of this version are taken: the others never change.
std::string encode(const TopologyRecord& record);
std::string encode(const Assignment& record);
std::string encode(const SupervisorRecord& record);
std::string encode(const NimbusRecord& record);
std::string encode(const Leadership& record);
std::string encode(const TopologyErrors& record);

/// Whatever the bytes are: a record, or an error that says what is wrong with them.
template <typename Record>
base::Result<Record> decode(std::string_view bytes);

template <>
base::Result<TopologyRecord> decode(std::string_view bytes);
template <>
base::Result<Assignment> decode(std::string_view bytes);
template <>
base::Result<SupervisorRecord> decode(std::string_view bytes);
template <>
base::Result<NimbusRecord> decode(std::string_view bytes);
template <>
base::Result<Leadership> decode(std::string_view bytes);
template <>
base::Result<TopologyErrors> decode(std::string_view bytes);

}  // namespace storm::cluster

// The protocol between a Supervisor and its workers.
//
//     Supervisor                                      worker
//     ── Bootstrap, on descriptor 3 ────────────────► (read to its end at the start)
//     ◄─ Hello ────────────────────────────────────── connects to Bootstrap::socket, and again
//     ── Assign, with each new assignment ──────────► whenever the connection is lost
//     ── Stop ──────────────────────────────────────►
//     ── Vouch, at once and each kVouchMicros ──────►
//     ◄─ WorkerReport, at each change of state, and ─
//        each second while counts change; else every kReportMicrosMax
//
// A message is u32 with its length, then a Cap'n Proto message (cluster/worker_protocol.capnp). A
// worker's binary may be older or newer than the Supervisor: fields are only ever added.
//
// Nothing here lets a worker talk to ZooKeeper, or change anything at Nimbus: user code holds no
// credential of the cluster. A worker knows the addresses of Nimbuses. While its Supervisor is
// away it asks them, as anybody may, whether it is still wanted, and believes sealed answers
// (cluster/sealed_answer.h).
//
// Threads: plain values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cluster/records.h"
#include "cluster/reports.h"

namespace storm::cluster {

/// Larger messages are refused, and their connection is closed.
inline constexpr std::size_t kWorkerMessageBytesMax = 4 * 1024 * 1024;
inline constexpr base::Micros kReportMicros = base::kMicrosPerSecond;
inline constexpr base::Micros kReportMicrosMax = 3 * base::kMicrosPerSecond;
/// Interval at which a Supervisor vouches for its workers.
inline constexpr base::Micros kVouchMicros = base::kMicrosPerSecond;
/// Addresses of Nimbuses that a worker is given.
inline constexpr std::size_t kNimbusesTold = 8;
/// A worker is started as `PROGRAM --worker`, with the Bootstrap on this descriptor.
inline constexpr int kBootstrapDescriptor = 3;
/// Exit code of a worker that was superseded, or refused by its peers. If it is still assigned, it
/// must be restarted at once, with a new incarnation.
inline constexpr int kExitFenced = 20;

struct NimbusAddress {
    std::string host;
    std::uint16_t port = 0;

    friend bool operator==(const NimbusAddress&, const NimbusAddress&) = default;
};

struct Bootstrap {
    TopologyRecord topology;
    Assignment assignment;
    std::uint32_t number = 0;       ///< Its number in the assignment.
    std::uint64_t incarnation = 0;  ///< Epoch of its slot << 32 | start count.
    std::string supervisor_socket;  ///< Path of the Supervisor's Unix socket.
    std::string token;              ///< For Hello: 32 random bytes.
    /// Empty: this version of the Supervisor does not vouch.
    std::vector<NimbusAddress> nimbuses = {};
};

struct Hello {
    std::string token;
    std::string storm_version;
    std::int32_t pid = 0;
};

struct Assign {
    Assignment assignment;
};

struct Stop {
    /// True: spouts stop, pending tuples complete, then it exits. False: it exits at once.
    bool drain = true;
};

struct Vouch {
    /// The Supervisor is connected to ZooKeeper, so it would know if the worker were no longer
    /// wanted.
    bool sure = false;
    /// The Nimbuses that the Supervisor knows, the leader first.
    std::vector<NimbusAddress> nimbuses;
};

using ToWorker = std::variant<Assign, Stop, Vouch>;
using ToSupervisor = std::variant<Hello, WorkerReport>;

/// Puts the length in front.
std::string encode(const ToWorker& said);
std::string encode(const ToSupervisor& said);
/// Without a length, because it fills a file.
std::string encode(const Bootstrap& bootstrap);
base::Result<Bootstrap> decode_bootstrap(std::string_view bytes);

/// Takes bytes as they arrive, and returns whole messages.
template <typename Message>
class MessageReader {
public:
    void append(std::string_view bytes) { buffer_.append(bytes); }
    /// The complete messages; none: more must arrive first. An error: close the connection.
    base::Result<std::vector<Message>> take();

private:
    std::string buffer_;
};
extern template class MessageReader<ToWorker>;
extern template class MessageReader<ToSupervisor>;

}  // namespace storm::cluster

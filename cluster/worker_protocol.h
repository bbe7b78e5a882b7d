// What a Supervisor and its workers say to each other.
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
// Each message is a Cap'n Proto message (cluster/worker_protocol.capnp) behind u32 its bytes. A
// worker's binary may be older or newer than the Supervisor: fields are only ever added.
//
// Nothing here lets a worker talk to ZooKeeper, or change anything at Nimbus: user code holds no
// credential of the cluster. Where Nimbus is, it knows: it asks there, as anybody may, whether it
// is still wanted while its Supervisor is away.
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

/// A message of more is refused, and its connection closed.
inline constexpr std::size_t kWorkerMessageBytesMax = 4 * 1024 * 1024;
inline constexpr base::Micros kReportMicros = base::kMicrosPerSecond;
inline constexpr base::Micros kReportMicrosMax = 3 * base::kMicrosPerSecond;
/// How often a Supervisor vouches for its workers.
inline constexpr base::Micros kVouchMicros = base::kMicrosPerSecond;
/// Addresses of Nimbuses that a worker is told.
inline constexpr std::size_t kNimbusesTold = 8;
/// Worker mode is `PROGRAM --worker`; the Bootstrap is on this descriptor.
inline constexpr int kBootstrapDescriptor = 3;
/// A worker that was superseded or refused by its peers exits with this: start it again at once,
/// with a new incarnation, if it is still assigned.
inline constexpr int kExitFenced = 20;

struct NimbusAddress {
    std::string host;
    std::uint16_t port = 0;

    friend bool operator==(const NimbusAddress&, const NimbusAddress&) = default;
};

struct Bootstrap {
    TopologyRecord topology;
    Assignment assignment;
    std::uint32_t number = 0;       ///< Which of the assignment's workers it is.
    std::uint64_t incarnation = 0;  ///< Epoch of its slot << 32 | start count.
    std::string supervisor_socket;  ///< Path of the Supervisor's Unix socket.
    std::string token;              ///< For Hello: 32 random bytes.
    /// Empty: the Supervisor is of a version that does not vouch.
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
    /// True: spouts stop, what is pending completes, then it exits. False: it exits at once.
    bool drain = true;
};

struct Vouch {
    /// The Supervisor is connected to ZooKeeper: it would know if the worker were wanted no more.
    bool sure = false;
    std::vector<NimbusAddress> nimbuses;  ///< As Supervisors know them now, the leader first.
};

using ToWorker = std::variant<Assign, Stop, Vouch>;
using ToSupervisor = std::variant<Hello, WorkerReport>;

/// With the length in front.
std::string encode(const ToWorker& said);
std::string encode(const ToSupervisor& said);
/// Without a length: it fills a file.
std::string encode(const Bootstrap& bootstrap);
base::Result<Bootstrap> decode_bootstrap(std::string_view bytes);

/// Takes what has arrived, gives whole messages.
template <typename Message>
class MessageReader {
public:
    void append(std::string_view bytes) { buffer_.append(bytes); }
    /// The next whole message; nothing: more must arrive first. An error: close the connection.
    base::Result<std::vector<Message>> take();

private:
    std::string buffer_;
};
extern template class MessageReader<ToWorker>;
extern template class MessageReader<ToSupervisor>;

}  // namespace storm::cluster

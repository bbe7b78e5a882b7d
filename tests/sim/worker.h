// A worker of a simulated cluster: the shipped Membership with its Links, Lease, Wiring and
// AckLedger, and the reader of assignments (worker/serve/own_part.h). The connections around the
// links, and what a process does with the words of its Supervisor and of Nimbus, are done here in
// the order in which PeerLink, Transport and serve.cc do them. Spouts read a Source and emit again
// what fails; "split" passes each row on to one or two tasks of "count".
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/random.h"
#include "cluster/records.h"
#include "cluster/worker_protocol.h"
#include "tests/sim/book.h"
#include "tests/sim/net.h"
#include "wire/control.h"
#include "worker/acker/ack_ledger.h"
#include "worker/serve/lease.h"
#include "worker/transport/liveness.h"
#include "worker/transport/membership.h"
#include "worker/transport/peers.h"
#include "worker/wiring/wiring.h"

namespace storm::sim {

class Cluster;

struct WorkerStart {
    cluster::TopologyRecord topology;
    cluster::Assignment assignment;
    std::uint32_t number = 0;
    std::uint64_t incarnation = 0;
    int host = 0;
    std::uint16_t port = 0;
    std::vector<std::string> nimbuses;
};

/// A tuple on its way.
struct Row {
    TaskId source = 0;
    TaskId target = 0;
    worker::Root root = 0;
    std::uint64_t edge = 0;
    std::uint64_t message = 0;
    Attempt attempt = 0;
    Copy copy = 0;
    std::uint64_t source_life = 0;
    std::uint64_t place = 0;  ///< Among the rows from that life to this task.
};

class Worker final : public Process {
public:
    Worker(Cluster& cluster, WorkerStart start, pid_t pid);
    ~Worker() override;

    pid_t pid() const { return pid_; }
    const std::string& topology() const { return start_.topology.id; }
    std::uint32_t number() const { return start_.number; }
    std::uint64_t incarnation() const { return start_.incarnation; }
    std::uint16_t port() const { return start_.port; }
    bool is_ending() const { return ending_; }
    void terminate();  ///< SIGTERM.

    // ---- For the judge.
    /// Why it is not at rest; empty: all links are up, and nothing is on its way.
    std::string restless() const;
    bool has_pending() const;
    const cluster::Assignment& assignment() const { return assignment_; }

private:
    struct Frame {
        std::uint64_t sequence = 0;
        std::vector<Row> rows;
        std::vector<wire::ControlRecord> records;
    };
    /// A part of a handshake, a frame, or a receipt, which is also the heartbeat.
    struct Said {
        enum class Kind : std::uint8_t { kHello, kChallenge, kProof, kReady, kFrame, kReceipt };
        Kind kind = Kind::kHello;
        std::uint32_t worker = 0;
        std::string topology;
        std::uint64_t incarnation = 0;
        std::uint64_t number = 0;  // kProof, kReady, kReceipt: received so far.
        worker::Standing standing{};
        Frame frame{};
    };
    struct Peer {
        std::uint32_t number = 0;
        std::optional<worker::PeerPlace> place;
        std::shared_ptr<Wire> wire;  // Up, or an attempt of ours.
        int side = 0;
        bool up = false;
        std::uint64_t greeted = 0;
        worker::Standing said;
        std::uint64_t hello_epoch = 0;  // As our hello has said it.
        std::uint64_t greeted_epoch = 0;
        Micros deadline = 0;
        Micros dial_wait = worker::kDialMicrosMin;
        std::uint64_t dials = 0;  // Grows when an attempt that waits becomes void.
        worker::Liveness liveness;
        std::uint64_t heard = 0;
        std::deque<Row> rows;
        std::deque<wire::ControlRecord> records;
        std::map<std::uint64_t, Frame> sent;
    };
    struct Caller {
        std::shared_ptr<Wire> wire;
        std::optional<Said> hello;
        Micros deadline = 0;
        std::uint64_t our_epoch = 0;
    };
    struct Emitted {
        Attempt attempt = 0;
        std::uint64_t message = 0;
    };
    struct Spout {
        TaskId task = 0;
        std::unique_ptr<worker::AckLedger> ledger;
        std::deque<std::uint64_t> replay;
        std::map<worker::Root, Emitted> pending;
        std::set<worker::Root> given;  // All roots of this life.
    };

    // ---- The process.
    void begin();
    void call_supervisor();
    void heard(const cluster::ToWorker& message);
    void take(const cluster::Assignment& assignment);
    void follow();
    void look_at_lease();
    void look_at_drain();
    void ask_nimbus(std::vector<std::string> left);
    void report();
    void report_regularly();
    void end_with(int code);

    // ---- Links.
    bool dials(const Peer& peer) const { return start_.number < peer.number; }
    void set_place(Peer& peer, const std::optional<worker::PeerPlace>& place);
    void dial(Peer& peer);
    void dial_later(Peer& peer);
    void attend(Peer& peer);
    void meet(const std::shared_ptr<Wire>& wire);
    void caller_says(const std::shared_ptr<Wire>& wire, const Said& said);
    void callee_says(Peer& peer, const Said& said);
    void peer_says(Peer& peer, const Said& said);
    void begin_life(Peer& peer, std::uint64_t incarnation, std::uint64_t peer_received,
                    std::uint64_t epoch);
    bool is_good(const Peer& peer, const Frame& frame) const;
    void refuse(Peer& peer);
    void superseded();
    std::string name() const;
    void drop_connection(Peer& peer);
    void disconnected(Peer& peer);
    void lost(Peer& peer);
    void release_lost(Peer& peer);
    void perform(const worker::Membership::Actions& actions);
    void released(Peer& peer, const std::vector<worker::Shipment>& shipments);
    void pump(Peer& peer);
    void tick();
    void tick_later();
    Said says(Said::Kind kind) const;

    // ---- Tuples.
    void work_later();
    void emit_later();
    void emit(Spout& spout);
    void send(Attempt attempt, Row row);
    void execute_next();
    void tell_spout(worker::Root root, const wire::ControlRecord& record);
    void apply(const wire::ControlRecord& record);
    void settled(Spout& spout, worker::Root root, bool acked);
    void abandon_all();
    std::uint32_t worker_of(TaskId task) const;

    Cluster& cluster_;
    const WorkerStart start_;
    const pid_t pid_;
    cluster::Assignment assignment_;
    const worker::Wiring wiring_;
    const std::string key_;  // Seals answers of Nimbus.
    base::Random random_;
    worker::Membership members_;
    std::vector<Peer> peers_;
    std::map<std::uint64_t, Caller> callers_;  // Keyed by the number of the wire.
    worker::Lease lease_;
    std::vector<std::string> nimbuses_;
    std::shared_ptr<Wire> supervisor_;
    std::vector<Spout> spouts_;
    std::deque<Row> queue_;
    std::map<std::pair<TaskId, TaskId>, std::uint64_t> places_sent_;
    cluster::WorkerReport last_report_;
    Micros reported_ = 0;
    bool active_ = false;
    bool draining_ = false;
    bool ending_ = false;
};

}  // namespace storm::sim

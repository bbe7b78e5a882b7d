#include "tests/sim/worker.h"

#include <algorithm>
#include <set>
#include <utility>

#include <storm/topology.h>

#include "cluster/sealed_answer.h"
#include "net/http_message.h"
#include "tests/sim/cluster.h"
#include "tests/sim/nimbus.h"
#include "worker/serve/limits.h"
#include "worker/serve/nimbus_answer.h"
#include "worker/serve/own_part.h"

namespace storm::sim {
namespace {

constexpr Micros kEmitInterval = 150 * kMicrosPerMilli;
constexpr Micros kExecuteMicros = 3 * kMicrosPerMilli;
constexpr std::uint32_t kPendingMax = 6;
constexpr std::uint32_t kLedgerMax = 64;
constexpr Micros kMessageTimeout = 20 * kMicrosPerSecond;
constexpr std::size_t kFrameRows = 4;
constexpr std::size_t kFrameBytes = 100;
constexpr std::size_t kRetainedMax = 40 * kFrameBytes;
constexpr int kExitFailed = 1;

Config config_of(const cluster::TopologyRecord& topology) {
    Config config;
    for (const auto& [key, value] : topology.settings) config.set(key, value);
    return config;
}

}  // namespace

Worker::Worker(Cluster& cluster, WorkerStart start, pid_t pid)
    : Process(cluster.time(), start.host),
      cluster_(cluster),
      start_(std::move(start)),
      pid_(pid),
      assignment_(start_.assignment),
      wiring_(cluster.program(start_.topology), config_of(start_.topology),
              worker::share_of(start_.assignment, start_.number, start_.incarnation)),
      key_(cluster::answer_key(start_.topology.secret, start_.topology.id)),
      random_(cluster.dice().seed()),
      members_(start_.number, start_.incarnation, wiring_.share.workers, {}, kRetainedMax),
      peers_(wiring_.share.workers),
      lease_(0, loop().now()),
      nimbuses_(start_.nimbuses) {
    for (std::uint32_t i = 0; i < peers_.size(); ++i) peers_[i].number = i;
    loop().after(cluster.dice().roll(5, 150) * kMicrosPerMilli, [this] { begin(); });
}

Worker::~Worker() {
    end();
}

void Worker::begin() {
    cluster_.log(name() + " begins on port " + std::to_string(start_.port) + " of host " +
                 std::to_string(host()) + ", epoch " + std::to_string(assignment_.epoch));
    for (std::size_t component = 0; component < wiring_.topology.components().size(); ++component) {
        if (!wiring_.topology.components()[component].is_spout()) continue;
        for (const TaskId task : wiring_.tasks_of(component)) {
            const auto executor = wiring_.executor_of_task[static_cast<std::size_t>(task)];
            if (!wiring_.executor_is_here(executor)) continue;
            Spout spout;
            spout.task = task;
            spout.ledger = std::make_unique<worker::AckLedger>(
                task, worker::life_of(start_.incarnation), kLedgerMax, kMessageTimeout,
                base::Random(random_.next()));
            spout.ledger->set_time(loop().now());
            Source& source = cluster_.book().source(topology(), task);
            source.owner = std::max(source.owner, start_.incarnation);
            for (std::uint64_t message = 1; message < source.next; ++message)
                if (!source.acked.contains(message)) spout.replay.push_back(message);
            spouts_.push_back(std::move(spout));
        }
    }
    follow();
    call_supervisor();
    report();
    report_regularly();
    tick_later();
    work_later();
    emit_later();
}

// ---- Its Supervisor -----------------------------------------------------------------------------

void Worker::call_supervisor() {
    if (ending_) return;
    Supervisor* const supervisor = cluster_.supervisor(host());
    if (supervisor == nullptr) {
        loop().after(500 * kMicrosPerMilli, [this] { call_supervisor(); });
        return;
    }
    supervisor_ = cluster_.net().dial(*this, *supervisor);
    supervisor_->attend(
        0, [this](const std::any& message) { heard(std::any_cast<cluster::ToWorker>(message)); },
        [this] {
            supervisor_ = nullptr;
            loop().after(200 * kMicrosPerMilli, [this] { call_supervisor(); });
        });
    supervisor->loop().after(cluster_.net().delay(), [supervisor, pid = pid_, wire = supervisor_] {
        supervisor->connected(pid, wire);
    });
    report();
}

void Worker::heard(const cluster::ToWorker& message) {
    if (ending_) return;
    if (const auto* const assign = std::get_if<cluster::Assign>(&message)) {
        take(assign->assignment);
    } else if (const auto* const vouch = std::get_if<cluster::Vouch>(&message)) {
        nimbuses_.clear();
        for (const cluster::NimbusAddress& nimbus : vouch->nimbuses)
            nimbuses_.push_back(nimbus.host);
        if (vouch->sure) lease_.vouched(loop().now());
        look_at_lease();
    } else if (std::get<cluster::Stop>(message).drain) {
        draining_ = true;
    } else {
        end_with(0);
    }
}

void Worker::take(const cluster::Assignment& assignment) {
    cluster_.book().saw(assignment);
    if (assignment.topology != assignment_.topology || assignment.epoch <= assignment_.epoch)
        return;
    if (!worker::why_it_ends(assignment_, assignment, start_.number, start_.incarnation).empty())
        return end_with(cluster::kExitFenced);
    assignment_ = assignment;
    follow();
    report();
}

void Worker::follow() {
    members_.set_epoch(assignment_.epoch);
    const auto places = worker::places_of(assignment_, static_cast<std::uint32_t>(peers_.size()));
    for (Peer& peer : peers_)
        if (peer.number != start_.number) set_place(peer, places[peer.number]);
    active_ = assignment_.status == cluster::Status::kActive;
    if (cluster::is_draining(assignment_.status)) draining_ = true;
}

void Worker::look_at_lease() {
    if (ending_) return;
    const Micros now = loop().now();
    if (!lease_.over(now).empty()) return end_with(kExitFailed);
    if (nimbuses_.empty() || !lease_.ask(now)) return;
    std::vector<std::string> to = nimbuses_;
    if (to.size() > worker::kAskTries) to.resize(worker::kAskTries);
    ask_nimbus(std::move(to));
}

void Worker::ask_nimbus(std::vector<std::string> left) {
    if (ending_) return;
    if (left.empty()) return lease_.answered(worker::Lease::Answer::kNone);
    Nimbus* const nimbus = cluster_.nimbus(left.front());
    left.erase(left.begin());
    const worker::AskedNimbus asked{topology(), key_, cluster::new_challenge(), assignment_.epoch};
    net::HttpRequest request;
    request.method = "GET";
    request.target =
        "/api/v1/assignments/" + topology() + "?worker=" + std::to_string(start_.number);
    request.headers[cluster::kChallengeHeader] = asked.challenge;
    cluster_.net().call<net::HttpResponse>(
        *this, nimbus, std::chrono::microseconds(worker::kAskTimeout).count(),
        [nimbus, request, id = topology()](const std::function<void(net::HttpResponse)>& answer) {
            answer(nimbus->assignment(request, id));
        },
        guard([this, asked, left](const std::optional<net::HttpResponse>& response) {
            if (ending_) return;
            worker::NimbusAnswer said;
            if (response) said = worker::answer_in(*response, asked);
            if (said.answer == worker::Lease::Answer::kNone && !left.empty())
                return ask_nimbus(left);
            lease_.answered(said.answer);
            if (said.assignment) take(*said.assignment);
        }));
}

/// A drained worker ends when it has nothing left, and nobody else has: in a real cluster it learns
/// that by the ends of its streams.
void Worker::look_at_drain() {
    if (!draining_ || ending_ || cluster_.has_pending(topology())) return;
    if (restless().empty()) end_with(0);
}

bool Worker::has_pending() const {
    return std::any_of(spouts_.begin(), spouts_.end(),
                       [](const Spout& spout) { return spout.ledger->pending() > 0; });
}

void Worker::report() {
    last_report_.state = cluster::WorkerState::kRunning;
    last_report_.assignment_epoch = assignment_.epoch;
    last_report_.lease = lease_.holder(loop().now());
    reported_ = loop().now();
    if (supervisor_ != nullptr) supervisor_->send(0, last_report_);
}

void Worker::report_regularly() {
    loop().after(cluster::kReportMicros, [this] {
        look_at_lease();
        look_at_drain();
        if (ending_) return;
        if (loop().now() - reported_ >= cluster::kReportMicrosMax) report();
        report_regularly();
    });
}

void Worker::terminate() {
    end_with(0);
}

void Worker::end_with(int code) {
    if (std::exchange(ending_, true)) return;
    cluster_.log(name() + " ends with " + std::to_string(code));
    cluster_.ends(pid_, code);
}

// ---- Links --------------------------------------------------------------------------------------

void Worker::set_place(Peer& peer, const std::optional<worker::PeerPlace>& place) {
    if (place == peer.place) return;
    peer.place = place;
    ++peer.dials;
    if (!place) return;
    if (place->epoch > 0) perform(members_.set_slot_epoch(peer.number, place->epoch));
    if (dials(peer) && !peer.up) {
        drop_connection(peer);
        dial(peer);
    }
}

void Worker::dial_later(Peer& peer) {
    if (!dials(peer) || !peer.place || ending_) return;
    const Micros wait = peer.dial_wait;
    peer.dial_wait = std::min(2 * wait, worker::kDialMicrosMax);
    loop().after(wait, [this, &peer, which = ++peer.dials] {
        if (which == peer.dials && peer.wire == nullptr && peer.place) dial(peer);
    });
}

void Worker::dial(Peer& peer) {
    if (ending_) return;
    Worker* const other = cluster_.listener(peer.place->host, peer.place->port);
    const int there = Cluster::host_number(peer.place->host);
    if (other == nullptr || cluster_.net().is_parted(host(), there) ||
        cluster_.net().is_parted(there, host())) {
        // Refused at once, or no answer: it is tried again and again.
        loop().after(cluster_.net().delay() + 100 * kMicrosPerMilli,
                     [this, &peer, which = ++peer.dials] {
                         if (which == peer.dials && peer.wire == nullptr) dial_later(peer);
                     });
        return;
    }
    peer.wire = cluster_.net().dial(*this, *other);
    peer.side = 0;
    peer.greeted = 0;
    peer.deadline = loop().now() + worker::kHandshakeMicros;
    attend(peer);
    other->loop().after(cluster_.net().delay(), [other, wire = peer.wire] { other->meet(wire); });
    peer.hello_epoch = members_.epoch();
    peer.wire->send(0, says(Said::Kind::kHello));
}

void Worker::attend(Peer& peer) {
    Wire* const wire = peer.wire.get();
    wire->attend(
        peer.side,
        [this, &peer, wire](const std::any& message) {
            if (peer.wire.get() != wire || ending_) return;
            const Said said = std::any_cast<Said>(message);
            if (peer.up) return peer_says(peer, said);
            callee_says(peer, said);
        },
        [this, &peer, wire] {
            if (peer.wire.get() == wire && !ending_) disconnected(peer);
        });
}

void Worker::meet(const std::shared_ptr<Wire>& wire) {
    if (ending_) return wire->close(1);
    callers_[wire->number()] = {
        wire, {}, loop().now() + worker::kHandshakeMicros, members_.epoch()};
    wire->attend(
        1,
        [this, wire = wire->number()](const std::any& message) {
            const auto caller = callers_.find(wire);
            if (caller == callers_.end() || ending_) return;
            const std::shared_ptr<Wire> kept = caller->second.wire;
            caller_says(kept, std::any_cast<Said>(message));
        },
        [this, wire = wire->number()] { callers_.erase(wire); });
}

Worker::Said Worker::says(Said::Kind kind) const {
    Said said;
    said.kind = kind;
    said.worker = start_.number;
    said.topology = topology();
    said.incarnation = start_.incarnation;
    said.standing.worker = start_.number;
    said.standing.epoch = members_.epoch();
    return said;
}

/// As Transport::handshake() and answer().
void Worker::caller_says(const std::shared_ptr<Wire>& wire, const Said& said) {
    Caller& caller = callers_.at(wire->number());
    if (said.kind == Said::Kind::kHello) {
        if (said.topology != topology() || said.worker >= start_.number ||
            said.worker >= peers_.size()) {
            wire->close(1);
            callers_.erase(wire->number());
            return;
        }
        caller.hello = said;
        Said challenge = says(Said::Kind::kChallenge);
        challenge.standing.epoch = caller.our_epoch;
        return wire->send(1, challenge);
    }
    if (said.kind != Said::Kind::kProof || !caller.hello) return;
    const Said hello = *caller.hello;
    const std::uint64_t our_epoch = caller.our_epoch;
    callers_.erase(wire->number());
    Peer& peer = peers_[hello.worker];
    worker::Standing it_says = said.standing;
    it_says.epoch = hello.standing.epoch;
    it_says.worker = hello.worker;
    worker::Standing we_say = members_.standing(hello.worker, hello.incarnation);
    we_say.epoch = our_epoch;
    const bool welcome = !it_says.fenced && !we_say.fenced;
    if (welcome) drop_connection(peer);
    Said ready = says(Said::Kind::kReady);
    ready.number = members_.link(peer.number).received_from(hello.incarnation);
    ready.standing = we_say;
    wire->send(1, ready);
    if (welcome) {
        peer.wire = wire;
        peer.side = 1;
        attend(peer);
        return begin_life(peer, hello.incarnation, said.number, hello.standing.epoch);
    }
    wire->close(1);
    if (worker::must_end(we_say, it_says)) superseded();
}

/// As Call::take() and PeerLink::handshake().
void Worker::callee_says(Peer& peer, const Said& said) {
    if (said.kind == Said::Kind::kChallenge) {
        if (said.topology != topology() || said.worker != peer.number) return disconnected(peer);
        peer.greeted = said.incarnation;
        peer.greeted_epoch = said.standing.epoch;
        peer.said = members_.standing(peer.number, said.incarnation);
        Said proof = says(Said::Kind::kProof);
        proof.number = members_.link(peer.number).received_from(said.incarnation);
        proof.standing = peer.said;
        // Both judge by the epochs that they have said, not by what they have learned meanwhile.
        peer.said.epoch = peer.hello_epoch;
        return peer.wire->send(peer.side, proof);
    }
    if (said.kind != Said::Kind::kReady || peer.greeted == 0) return;
    if (peer.said.fenced || said.standing.fenced) {
        disconnected(peer);
        if (worker::must_end(peer.said, said.standing)) superseded();
        return;
    }
    if (members_.link(peer.number).judge(peer.greeted) == worker::Link::Verdict::kFenced)
        return disconnected(peer);
    begin_life(peer, peer.greeted, said.number, peer.greeted_epoch);
}

void Worker::begin_life(Peer& peer, std::uint64_t incarnation, std::uint64_t peer_received,
                        std::uint64_t epoch) {
    worker::Membership::Up up = members_.up(peer.number, incarnation, peer_received, epoch);
    released(peer, up.beginning.taken);
    if (up.beginning.lost) release_lost(peer);
    if (up.beginning.new_life) peer.records.clear();
    peer.up = true;
    peer.heard = 0;
    peer.liveness.begin(loop().now(), {.bytes = 0, .frames = 0, .in_frame = false});
    for (const worker::Shipment& shipment : members_.link(peer.number).retained()) {
        Said again = says(Said::Kind::kFrame);
        again.frame = peer.sent.at(shipment.sequence);
        peer.wire->send(peer.side, again);
    }
    perform(up.actions);
    pump(peer);
}

void Worker::drop_connection(Peer& peer) {
    if (peer.wire == nullptr) return;
    const std::shared_ptr<Wire> dropped = std::exchange(peer.wire, nullptr);
    dropped->close(peer.side);
    if (std::exchange(peer.up, false)) perform(members_.down(peer.number, loop().now()));
}

void Worker::disconnected(Peer& peer) {
    drop_connection(peer);
    dial_later(peer);
}

void Worker::lost(Peer& peer) {
    drop_connection(peer);
    peer.records.clear();
    release_lost(peer);
    dial_later(peer);
}

void Worker::release_lost(Peer& peer) {
    cluster_.log(name() + " has lost " + std::to_string(peer.number));
    for (const worker::Shipment& shipment : members_.link(peer.number).take_dropped()) {
        const auto frame = peer.sent.find(shipment.sequence);
        if (frame == peer.sent.end()) continue;
        for (const Row& row : frame->second.rows)
            tell_spout(row.root, wire::make_fail(row.root, FailReason::kWorkerLost));
        peer.sent.erase(frame);
    }
    peer.sent.clear();
    abandon_all();
}

void Worker::perform(const worker::Membership::Actions& actions) {
    using Kind = worker::Membership::Action::Kind;
    for (const worker::Membership::Action& action : actions) {
        if (ending_) return;
        switch (action.kind) {
            case Kind::kTell:
                peers_[action.worker].records.push_back(action.record);
                pump(peers_[action.worker]);
                break;
            case Kind::kLost:
                lost(peers_[action.worker]);
                break;
            case Kind::kConfirmed:
                abandon_all();
                break;
            case Kind::kSuperseded:
                return superseded();
        }
    }
}

void Worker::released(Peer& peer, const std::vector<worker::Shipment>& shipments) {
    for (const worker::Shipment& shipment : shipments) peer.sent.erase(shipment.sequence);
}

void Worker::pump(Peer& peer) {
    worker::Link& link = members_.link(peer.number);
    while (peer.up && link.may_ship() && (!peer.records.empty() || !peer.rows.empty())) {
        Frame frame;
        frame.sequence = link.next_sequence();
        if (!peer.records.empty()) {
            frame.records.assign(peer.records.begin(), peer.records.end());
            peer.records.clear();
        } else {
            while (!peer.rows.empty() && frame.rows.size() < kFrameRows) {
                frame.rows.push_back(peer.rows.front());
                peer.rows.pop_front();
            }
        }
        worker::Shipment shipment;
        shipment.sequence = frame.sequence;
        shipment.bytes = kFrameBytes;
        shipment.matters = true;
        link.ship(std::move(shipment));
        peer.sent[frame.sequence] = frame;
        Said said = says(Said::Kind::kFrame);
        said.frame = std::move(frame);
        peer.wire->send(peer.side, said);
    }
}

void Worker::peer_says(Peer& peer, const Said& said) {
    ++peer.heard;
    worker::Link& link = members_.link(peer.number);
    if (said.kind == Said::Kind::kReceipt) {
        std::vector<worker::Shipment> done;
        if (!link.receipted(said.number, done)) {
            cluster_.book().fault("a receipt for what was not sent");
            return disconnected(peer);
        }
        released(peer, done);
        return pump(peer);
    }
    if (said.kind != Said::Kind::kFrame) return disconnected(peer);
    if (!link.is_next(said.frame.sequence) || !is_good(peer, said.frame)) return refuse(peer);
    link.took(said.frame.sequence);
    for (const Row& row : said.frame.rows) {
        cluster_.book().arrived(
            {topology(), row.source, row.source_life, row.target, start_.incarnation}, row.place);
        queue_.push_back(row);
    }
    for (const wire::ControlRecord& record : said.frame.records) {
        if (ending_ || !peer.up) return;
        if (wire::names_worker(record)) {
            perform(members_.told(peer.number, record, loop().now()));
        } else {
            apply(record);
        }
    }
}

/// As Inbound::check() and PeerLink::check_control(): a peer may follow another assignment.
bool Worker::is_good(const Peer& peer, const Frame& frame) const {
    for (const Row& row : frame.rows) {
        if (worker_of(row.source) != peer.number) return false;
        const auto target = static_cast<std::size_t>(row.target);
        if (target >= wiring_.executor_of_task.size()) return false;
        if (!wiring_.executor_is_here(wiring_.executor_of_task[target])) return false;
    }
    return std::none_of(frame.records.begin(), frame.records.end(), [this](const auto& record) {
        return wire::names_worker(record) && record.subject >= peers_.size();
    });
}

void Worker::refuse(Peer& peer) {
    cluster_.log(name() + " refuses a frame of " + std::to_string(peer.number));
    disconnected(peer);
    perform(members_.refused(peer.number));
}

std::string Worker::name() const {
    return topology() + "/" + std::to_string(start_.number) + "#" +
           std::to_string(start_.incarnation >> 32) + "." +
           std::to_string(start_.incarnation & 0xffff'ffff);
}

void Worker::superseded() {
    cluster_.log(name() + " is superseded");
    if (!ending_) cluster_.superseded(*this);
    end_with(cluster::kExitFenced);
}

void Worker::tick_later() {
    loop().after(worker::kHeartbeatMicros, [this] {
        tick();
        if (!ending_) tick_later();
    });
}

void Worker::tick() {
    const Micros now = loop().now();
    perform(members_.tick(now));
    for (Peer& peer : peers_) {
        if (ending_) return;
        if (peer.number == start_.number) continue;
        if (!peer.up) {
            if (peer.wire != nullptr && dials(peer) && now >= peer.deadline) disconnected(peer);
            continue;
        }
        if (members_.was_frozen()) peer.liveness.excuse(now);
        const worker::Liveness::Heard heard{
            .bytes = peer.heard, .frames = peer.heard, .in_frame = false};
        if (peer.liveness.look(now, heard, worker::kSilenceMicros) != nullptr) {
            disconnected(peer);
            continue;
        }
        peer.dial_wait = worker::kDialMicrosMin;
        Said receipt = says(Said::Kind::kReceipt);
        receipt.number = members_.link(peer.number).received();
        peer.wire->send(peer.side, receipt);
        pump(peer);
    }
    std::erase_if(callers_, [now](auto& each) {
        if (now < each.second.deadline) return false;
        each.second.wire->close(1);
        return true;
    });
    for (Spout& spout : spouts_) {
        spout.ledger->set_time(now);
        std::vector<worker::Settled> expired;
        spout.ledger->expire(now, expired);
        for (const worker::Settled& settled : expired) this->settled(spout, settled.root, false);
    }
}

// ---- Tuples -------------------------------------------------------------------------------------

std::uint32_t Worker::worker_of(TaskId task) const {
    return wiring_.share.worker_of(wiring_.executor_of_task[static_cast<std::size_t>(task)]);
}

void Worker::work_later() {
    loop().after(kExecuteMicros, [this] {
        if (ending_) return;
        if (!queue_.empty()) execute_next();
        work_later();
    });
}

void Worker::emit_later() {
    loop().after(kEmitInterval, [this] {
        if (ending_) return;
        for (Spout& spout : spouts_) emit(spout);
        emit_later();
    });
}

void Worker::emit(Spout& spout) {
    Source& source = cluster_.book().source(topology(), spout.task);
    if (source.next == 0) source.next = 1;
    if (source.owner != start_.incarnation) return;
    if (!active_ || draining_ || spout.ledger->pending() >= kPendingMax) return;
    std::uint64_t message = 0;
    if (!spout.replay.empty()) {
        message = spout.replay.front();
        spout.replay.pop_front();
    } else if (cluster_.sources_flow()) {
        message = source.next++;
    } else {
        return;
    }
    spout.ledger->set_time(loop().now());
    const Attempt attempt = cluster_.book().emitted();
    const worker::Root root = spout.ledger->open(message);
    // Nobody uses up the generations of a slot so soon.
    if (!spout.given.insert(root).second) cluster_.book().fault("a root was given twice");
    spout.pending[root] = {attempt, message};
    Row row;
    row.source = spout.task;
    const std::vector<TaskId> targets = wiring_.tasks_of("split");
    row.target = targets[message % targets.size()];
    row.root = root;
    row.edge = random_.next();
    row.message = message;
    send(attempt, row);
    if (spout.ledger->arm(root, row.edge)) cluster_.book().fault("a tree was complete at once");
}

void Worker::send(Attempt attempt, Row row) {
    row.attempt = attempt;
    row.copy = cluster_.book().sent(attempt);
    row.source_life = start_.incarnation;
    row.place = ++places_sent_[{row.source, row.target}];
    const std::uint32_t to = worker_of(row.target);
    if (to == start_.number) {
        queue_.push_back(row);
    } else {
        peers_[to].rows.push_back(row);
        pump(peers_[to]);
    }
}

void Worker::execute_next() {
    const Row row = queue_.front();
    queue_.pop_front();
    const std::size_t component = wiring_.component_of_task[static_cast<std::size_t>(row.target)];
    std::uint64_t edges = row.edge;
    if (wiring_.topology.components()[component].id == "split") {
        const std::vector<TaskId> targets = wiring_.tasks_of("count");
        const std::size_t copies = 1 + row.message % 2;
        for (std::size_t i = 0; i < copies; ++i) {
            Row next;
            next.source = row.target;
            next.target = targets[(row.message + i) % targets.size()];
            next.root = row.root;
            next.edge = random_.next();
            next.message = row.message;
            edges ^= next.edge;
            send(row.attempt, next);
        }
    }
    cluster_.book().bolt_acked(row.attempt, row.copy);
    tell_spout(row.root, wire::make_ack(row.root, edges));
}

void Worker::tell_spout(worker::Root root, const wire::ControlRecord& record) {
    const std::uint32_t to = worker_of(worker::task_of(root));
    if (to == start_.number) {
        apply(record);
    } else if (members_.link(to).state() == worker::Link::State::kUp ||
               members_.link(to).state() == worker::Link::State::kDown) {
        peers_[to].records.push_back(record);
        pump(peers_[to]);
    }
}

void Worker::apply(const wire::ControlRecord& record) {
    const TaskId task = worker::task_of(record.subject);
    for (Spout& spout : spouts_) {
        if (spout.task != task) continue;
        const bool acks = record.kind == static_cast<std::uint8_t>(wire::ControlKind::kAck);
        const auto settled = acks ? spout.ledger->ack(record.subject, record.amount)
                                  : spout.ledger->fail(record.subject);
        if (settled) this->settled(spout, settled->root, acks);
    }
}

void Worker::settled(Spout& spout, worker::Root root, bool acked) {
    const auto pending = spout.pending.find(root);
    if (pending == spout.pending.end()) {
        cluster_.book().fault("the ledger has settled what was not pending");
        return;
    }
    const Emitted emitted = pending->second;
    spout.pending.erase(pending);
    if (acked) {
        cluster_.book().spout_acked(emitted.attempt);
        cluster_.book().source(topology(), spout.task).acked.insert(emitted.message);
    } else {
        cluster_.book().spout_failed(emitted.attempt);
        spout.replay.push_back(emitted.message);
    }
}

/// Everything that may have reached a lost worker.
void Worker::abandon_all() {
    for (Spout& spout : spouts_) {
        std::vector<worker::Settled> abandoned;
        spout.ledger->abandon(abandoned);
        for (const worker::Settled& each : abandoned) settled(spout, each.root, false);
    }
}

// ---- For the judge ------------------------------------------------------------------------------

std::string Worker::restless() const {
    const std::string self = "worker " + std::to_string(start_.number) + " of " + topology();
    for (const Peer& peer : peers_) {
        if (peer.number == start_.number) continue;
        const std::string other = " to worker " + std::to_string(peer.number);
        const std::vector<std::uint32_t>& used = wiring_.share.worker_of_executor;
        // Numbers may have gaps.
        if (!peer.place && std::find(used.begin(), used.end(), peer.number) == used.end()) continue;
        if (!peer.place) return self + " has no place for what goes" + other;
        if (!peer.up) return self + " has no link" + other;
        if (!peer.rows.empty() || !peer.records.empty()) return self + " has something" + other;
    }
    if (!queue_.empty()) return self + " has rows to execute";
    for (const Spout& spout : spouts_) {
        if (spout.ledger->pending() > 0)
            return self + " has " + std::to_string(spout.ledger->pending()) + " pending tuples";
        if (!spout.pending.empty()) return self + " has tuples that nobody settles";
        if (active_ && !spout.replay.empty()) return self + " has tuples to emit again";
        const Source& source = cluster_.book().source(topology(), spout.task);
        if (active_ && source.next > 0 && source.acked.size() + 1 != source.next)
            return self + " has tuples that are neither acked nor pending";
    }
    return {};
}

}  // namespace storm::sim

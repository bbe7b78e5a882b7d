#include "tests/sim/supervisor.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "cluster/seal.h"
#include "supervisor/limits.h"
#include "tests/sim/cluster.h"
#include "tests/sim/host.h"
#include "tests/sim/nimbus.h"
#include "tests/sim/worker.h"

namespace storm::sim {

using supervisor::SlotAction;

Supervisor::Supervisor(Cluster& cluster, Host& host)
    : Process(cluster.time(), host.number),
      cluster_(cluster),
      host_files_(host),
      session_(
          loop(), [this] { return cluster_.zookeeper().connect(loop()); }, "/storm"),
      state_(session_),
      assigned_(state_, loop(), [this] { reconcile(); }),
      retry_(supervisor::kReportRetryMin) {
    record_.id = "s" + std::to_string(host.number);
    record_.host = Cluster::host_name(host.number);
    record_.http_port = 8000;
    record_.machine = "x86_64";
    record_.glibc = "2.36";
    record_.home = "home-" + record_.id;
    record_.started_ms = cluster.wall().now_ms();
    for (int i = 0; i < host.slots; ++i)
        record_.slots.push_back(static_cast<std::uint16_t>(6700 + i));
    for (const std::uint16_t port : record_.slots)
        places_.emplace(port, std::make_unique<Place>(port, supervisor::SlotTimes{}));
    adopt();
    follow();
}

Supervisor::~Supervisor() {
    end();
}

// ---- Beginning ----------------------------------------------------------------------------------

void Supervisor::adopt() {
    for (auto& [key, saved] : host_files_.saved) {
        if (!saved.running) continue;
        const Worker* const process = process_of(saved);
        if (process == nullptr) {
            saved.running = false;
            saved.pid = 0;
            continue;
        }
        saved.pid = process->pid();
        Place& place = *places_.at(saved.port);
        place.saved = saved;
        place.pid = saved.pid;
        place.adopted = true;
        place.report.state = cluster::WorkerState::kRunning;
        supervisor::Wanted wanted;
        wanted.target = {saved.topology, saved.number, saved.epoch};
        place.slot.adopt(wanted, {saved.starts, saved.skipped, saved.finished}, loop().now());
        tick_at(place);
    }
}

/// Null: it has ended.
const Worker* Supervisor::process_of(const supervisor::SavedWorker& saved) const {
    if (saved.boot != host_files_.boot) return nullptr;
    if (const Worker* const known = cluster_.worker(saved.pid)) return known;
    // A process whose pid was never saved is found by its folder.
    return cluster_.worker_in(host_files_.number, saved.topology, saved.number);
}

void Supervisor::follow() {
    publish();
    state_.follow_assignments([this](const std::map<std::string, cluster::Assignment>& all) {
        for (const auto& [id, assignment] : all) cluster_.book().saw(assignment);
        assigned_.take(all, running());
        reconcile();
    });
    state_.follow_leader([this](const std::optional<cluster::Leadership>& leader) {
        const bool new_one = leader && leader != leader_;
        leader_ = leader;
        if (new_one) report_soon(supervisor::kReportCoalesce);
    });
    state_.follow_nimbuses(
        [this](const std::map<std::string, cluster::NimbusRecord>& live) { live_ = live; });
    report_soon(0);
    vouch();
}

void Supervisor::publish() {
    state_.publish(record_, [this](const std::string&) {
        cluster_.book().fault("a Supervisor was replaced though its id is its own: " + record_.id);
    });
}

std::map<std::uint16_t, supervisor::Target> Supervisor::running() const {
    std::map<std::uint16_t, supervisor::Target> running;
    for (const auto& [port, place] : places_)
        if (place->slot.target()) running[port] = *place->slot.target();
    return running;
}

void Supervisor::reconcile() {
    const std::map<std::uint16_t, supervisor::Target> current = running();
    if (!assigned_.known()) return;
    if (assigned_.look(current)) report_soon(supervisor::kReportCoalesce);
    const std::set<std::uint16_t> ports(record_.slots.begin(), record_.slots.end());
    const supervisor::Desired desired = supervisor::desired_workers(
        assigned_.assignments(), record_.id, ports, current, assigned_.in_doubt());
    for (const auto& [port, place] : places_) {
        if (desired.left_alone.contains(port)) continue;
        const auto wanted = desired.by_port.find(port);
        if (wanted == desired.by_port.end()) {
            want(*place, {}, nullptr);
        } else {
            read(wanted->second.target, [](bool) {});
            want(*place, wanted->second,
                 assigned_.assignments().at(wanted->second.target.topology));
        }
    }
}

// ---- Vouching -----------------------------------------------------------------------------------

cluster::Vouch Supervisor::vouch_now() const {
    cluster::Vouch vouch;
    const Micros now = loop().now();
    const bool slept = vouched_ && now - *vouched_ > supervisor::kLateVouch;
    vouch.sure = session_.ready() && state_.assignments_are_of_this_session() && !slept;
    for (const std::string& nimbus : nimbuses())
        vouch.nimbuses.push_back({nimbus, Cluster::kNimbusPort});
    return vouch;
}

void Supervisor::vouch() {
    const cluster::Vouch vouch = vouch_now();
    for (const auto& [port, place] : places_) send(*place, vouch);
    vouched_ = loop().now();
    loop().after(cluster::kVouchMicros, [this] { this->vouch(); });
}

/// Their ids, the leader first.
std::vector<std::string> Supervisor::nimbuses() const {
    std::vector<std::string> found;
    const auto add = [&found](const std::string& one) {
        if (!one.empty() && std::find(found.begin(), found.end(), one) == found.end())
            found.push_back(one);
    };
    if (leader_) add(leader_->nimbus);
    for (const auto& [id, nimbus] : live_) add(id);
    for (const std::string& seed : cluster_.seeds()) add(seed);
    return found;
}

// ---- A slot -------------------------------------------------------------------------------------

Micros Supervisor::disk() {
    return cluster_.dice().roll(50, 2'000);
}

void Supervisor::want(Place& place, const std::optional<supervisor::Wanted>& wanted,
                      Assignment assignment) {
    if (!wanted || place.slot.target() == wanted->target) {
        place.asked.reset();
        return take(place, wanted, std::move(assignment), {});
    }
    const supervisor::Target target = wanted->target;
    const bool is_being_read = place.asked && place.asked->wanted.target == target;
    place.asked = Asked{*wanted, std::move(assignment)};
    if (is_being_read) return;
    loop().after(disk(), [this, &place, target] {
        if (!place.asked || place.asked->wanted.target != target) return;
        const Asked asked = *std::exchange(place.asked, std::nullopt);
        supervisor::History history;
        const auto saved = host_files_.saved.find({target.topology, target.number});
        if (saved != host_files_.saved.end() && saved->second.epoch == target.epoch)
            history = {saved->second.starts, saved->second.skipped, saved->second.finished};
        take(place, asked.wanted, asked.assignment, history);
    });
}

void Supervisor::take(Place& place, const std::optional<supervisor::Wanted>& wanted,
                      Assignment assignment, const supervisor::History& history) {
    place.assignment = std::move(assignment);
    const std::optional<supervisor::Target> before = place.slot.target();
    apply(place, place.slot.want(wanted, history, loop().now()));
    if (place.slot.target() != before) place.report = {};
    if (place.assignment && place.held_fetch) fetch(place, *place.held_fetch);
}

void Supervisor::apply(Place& place, const supervisor::SlotActions& actions) {
    for (const SlotAction& action : actions) perform(place, action);
    if (!actions.empty()) report_soon(supervisor::kReportCoalesce);
    tick_at(place);
}

void Supervisor::perform(Place& place, const SlotAction& action) {
    switch (action.kind) {
        case SlotAction::Kind::kFetch:
            return fetch(place, action.ticket);
        case SlotAction::Kind::kStart:
            return start(place, action.incarnation);
        case SlotAction::Kind::kAssign:
            if (place.assignment) send(place, cluster::Assign{*place.assignment});
            return;
        case SlotAction::Kind::kDrain:
            return send(place, cluster::Stop{.drain = true});
        case SlotAction::Kind::kStop:
            return send(place, cluster::Stop{.drain = false});
        case SlotAction::Kind::kTerminate:
            return signal(place, SIGTERM);
        case SlotAction::Kind::kKill:
            return signal(place, SIGKILL);
    }
}

void Supervisor::fetch(Place& place, std::uint64_t ticket) {
    if (!place.assignment) {
        place.held_fetch = ticket;
        return;
    }
    place.held_fetch.reset();
    const supervisor::Target target = *place.slot.target();
    read(target, [this, &place, target, ticket](bool is_there) {
        if (is_there) place.fetched = records_.at(target.topology).record;
        // The files of the topology, which some Nimbus must have.
        const bool ok = is_there && !cluster_.fails_to_fetch();
        loop().after(disk(), [this, &place, ticket, ok] {
            apply(place, place.slot.fetched(ticket, ok, loop().now()));
        });
    });
}

/// As Fetcher::read_().
void Supervisor::read(const supervisor::Target& target, std::function<void(bool)> then) {
    const auto known = records_.find(target.topology);
    if (known != records_.end() && target.epoch <= known->second.epoch) return then(true);
    state_.read_topology(
        target.topology,
        guard([this, target, then = std::move(then)](
                  const base::Result<std::optional<cluster::TopologyRecord>>& read) {
            if (!read || !*read) return then(false);
            const auto opened = cluster::Seal("token").opened(**read);
            if (!opened) return then(false);
            Known& now = records_[target.topology];
            now = {*opened, std::max(now.epoch, target.epoch)};
            then(true);
        }));
}

void Supervisor::start(Place& place, std::uint64_t incarnation) {
    const supervisor::Target& target = *place.slot.target();
    place.saved = {.topology = target.topology,
                   .number = target.number,
                   .port = place.port,
                   .epoch = target.epoch,
                   .starts = place.slot.starts(),
                   .skipped = place.slot.skipped(),
                   .running = true,
                   .boot = host_files_.boot,
                   .token_hash = ""};
    place.report = {};
    WorkerStart made{.topology = *place.fetched,
                     .assignment = *place.assignment,
                     .number = target.number,
                     .incarnation = incarnation,
                     .host = host_files_.number,
                     .port = place.port,
                     .nimbuses = nimbuses()};
    made.topology.status = made.assignment.status;
    place.held_signal = 0;
    place.starting = true;
    // The count is written first, then there is a process, then its pid is written. A Supervisor
    // may end between any two of these.
    loop().after(disk(), [this, &place, made = std::move(made)] {
        save(place);
        loop().after(disk(), [this, &place, made] {
            const pid_t pid = cluster_.start_worker(made);
            if (pid == 0) {
                loop().after(0, [this, &place] { not_started(place); });
                return;
            }
            loop().after(disk(), [this, &place, pid] { started(place, pid); });
        });
    });
}

void Supervisor::started(Place& place, pid_t pid) {
    place.starting = false;
    place.adopted = false;
    place.pid = pid;
    place.saved.pid = pid;
    save(place);
    if (place.held_signal != 0) cluster_.signal(pid, std::exchange(place.held_signal, 0));
    report_soon(supervisor::kReportCoalesce);
    // It may have ended before anybody watched.
    if (const auto end = cluster_.end_of(pid)) worker_ended(pid, end->code, end->by_signal);
}

void Supervisor::not_started(Place& place) {
    place.starting = false;
    place.saved.running = false;
    save(place);
    const bool was_stopped = place.slot.state() == supervisor::SlotState::kStopping;
    apply(place,
          was_stopped ? place.slot.ended({}, loop().now()) : place.slot.start_failed(loop().now()));
}

void Supervisor::worker_ended(pid_t pid, int code, bool by_signal) {
    for (const auto& [port, each] : places_) {
        Place& place = *each;
        if (place.pid != pid || place.clearing) continue;
        place.pid = 0;
        if (place.wire != nullptr) place.wire->close(1);
        place.wire = nullptr;
        place.clearing = true;
        supervisor::Ended how;
        how.known = !place.adopted;
        how.fenced = how.known && !by_signal && code == cluster::kExitFenced;
        loop().after(disk(), [this, &place, how] { gone(place, how); });
    }
}

void Supervisor::gone(Place& place, const supervisor::Ended& how) {
    place.clearing = false;
    place.saved.running = false;
    place.saved.pid = 0;
    save(place);
    const supervisor::Target target = *place.slot.target();
    apply(place, place.slot.ended(how, loop().now()));
    if (place.slot.target() != target) place.report = {};
    report_soon(supervisor::kReportCoalesce);
}

void Supervisor::signal(Place& place, int number) {
    if (place.pid != 0) return cluster_.signal(place.pid, number);
    if (place.held_signal != SIGKILL) place.held_signal = number;
}

void Supervisor::tick_at(Place& place) {
    const std::optional<Micros> due = place.slot.deadline();
    if (!due || (place.alarm && *place.alarm <= *due)) return;
    place.alarm = *due;
    const Micros now = loop().now();
    loop().after(std::max<Micros>(*due - now, 0), [this, &place, at = *due] {
        if (place.alarm == at) place.alarm.reset();
        if (!place.clearing) apply(place, place.slot.tick(loop().now()));
    });
}

void Supervisor::save(const Place& place) {
    supervisor::SavedWorker saved = place.saved;
    saved.finished = place.slot.finished();
    host_files_.saved[{saved.topology, saved.number}] = saved;
}

// ---- Workers ------------------------------------------------------------------------------------

void Supervisor::connected(pid_t pid, const std::shared_ptr<Wire>& wire) {
    for (const auto& [port, each] : places_) {
        Place& place = *each;
        const Worker* const worker = cluster_.worker(pid);
        const bool starts = place.starting && worker != nullptr &&
                            worker->topology() == place.saved.topology &&
                            worker->number() == place.saved.number;
        if (place.pid != pid && !starts) continue;
        if (place.wire != nullptr) place.wire->close(1);
        place.wire = wire;
        wire->attend(
            1,
            [this, &place](const std::any& message) {
                const auto report = std::any_cast<cluster::WorkerReport>(message);
                const bool urgent = report.state != place.report.state ||
                                    report.assignment_epoch != place.report.assignment_epoch;
                place.report = report;
                apply(place, place.slot.reported(report.state, loop().now()));
                if (urgent) report_soon(supervisor::kReportCoalesce);
            },
            [&place] { place.wire = nullptr; });
        send(place, vouch_now());
        apply(place, place.slot.connected());
        return;
    }
    // A stranger, or one whose start is not noted yet: it comes again.
    wire->close(1);
}

void Supervisor::send(Place& place, const cluster::ToWorker& message) {
    if (place.wire != nullptr) place.wire->send(1, message);
}

// ---- Reports ------------------------------------------------------------------------------------

std::optional<cluster::WorkerStatus> Supervisor::status(const Place& place) const {
    if (!place.slot.target()) return std::nullopt;
    cluster::WorkerStatus status;
    status.topology = place.slot.target()->topology;
    status.number = place.slot.target()->number;
    status.incarnation = place.slot.incarnation();
    status.port = place.port;
    status.pid = place.pid;
    status.report = place.report;
    status.report.state = place.slot.shown(place.report.state, place.clearing);
    return status;
}

cluster::SupervisorReport Supervisor::report() const {
    cluster::SupervisorReport report;
    report.supervisor = record_.id;
    report.host = record_.host;
    report.http_port = record_.http_port;
    for (const auto& [port, place] : places_)
        if (auto status = this->status(*place)) report.workers.push_back(*std::move(status));
    return report;
}

void Supervisor::report_soon(Micros delay) {
    const Micros due = loop().now() + delay;
    if (report_due_ && *report_due_ <= due) return;
    report_due_ = due;
    loop().after(delay, [this, due] {
        if (report_due_ == due && !reporting_) send_report();
    });
}

void Supervisor::send_report() {
    report_due_.reset();
    reporting_ = true;
    std::vector<std::string> to = nimbuses();
    if (!told_leader_.empty()) to.insert(to.begin(), std::exchange(told_leader_, ""));
    if (to.size() > supervisor::kNimbusTries) to.resize(supervisor::kNimbusTries);
    try_report(report(), std::move(to));
}

void Supervisor::try_report(cluster::SupervisorReport report, std::vector<std::string> left) {
    if (left.empty()) {
        reporting_ = false;
        report_due_.reset();
        report_soon(retry_);
        retry_ = std::min(2 * retry_, supervisor::kReportRetryMax);
        return;
    }
    const std::string id = left.front();
    left.erase(left.begin());
    Nimbus* const nimbus = cluster_.nimbus(id);
    using Answer = std::optional<std::string>;
    cluster_.net().call<Answer>(
        *this, nimbus, std::chrono::microseconds(supervisor::kReportDeadline).count(),
        [nimbus, report](const std::function<void(Answer)>& answer) {
            answer(nimbus->report(report));
        },
        guard([this, report, left](const std::optional<Answer>& answered) mutable {
            const bool is_taken = answered && !*answered;
            if (!is_taken) {
                // One that does not lead names who does, which is believed once.
                if (answered && told_leader_.empty() && !(*answered)->empty()) {
                    told_leader_ = **answered;
                    left.insert(left.begin(), told_leader_);
                }
                return try_report(report, left);
            }
            reporting_ = false;
            retry_ = supervisor::kReportRetryMin;
            const auto due = std::exchange(report_due_, std::nullopt);
            report_soon(due ? std::max<Micros>(*due - loop().now(), 0) : supervisor::kReportIdle);
        }));
}

}  // namespace storm::sim

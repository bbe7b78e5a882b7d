#include "tests/sim/cluster.h"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <utility>

#include <storm/topology_builder.h>

#include "base/log.h"
#include "cluster/record_codec.h"
#include "tests/nimbus/described.h"
#include "tests/support/any_topology.h"

namespace storm::sim {
namespace {

constexpr Micros kFaultsFor = 45 * kMicrosPerSecond;
/// Within this time after the last fault all is at rest: what takes longest is a Supervisor's last
/// pause before it starts a worker again (30 s), behind the time in which a lost one is missed.
constexpr Micros kRestWithin = 120 * kMicrosPerSecond;
constexpr Micros kLook = 500 * kMicrosPerMilli;
constexpr Micros kRequestPatience = 10 * kMicrosPerSecond;
constexpr const char* kExecutors = "sim.executors";

constexpr std::size_t index_of(Fault fault) {
    return static_cast<std::size_t>(fault);
}

}  // namespace

std::string_view to_string(Fault fault) {
    constexpr std::string_view kNames[kFaults] = {
        "a worker is killed",
        "a worker is stopped",
        "a Supervisor is killed",
        "a Supervisor is stopped",
        "a Nimbus is killed",
        "a Nimbus is stopped",
        "a host is lost",
        "a host is cut off",
        "two hosts are parted",
        "nothing gets from one host to another",
        "a connection breaks",
        "the network is slow",
        "a session expires",
        "a connection to ZooKeeper breaks",
        "ZooKeeper is silent for a process",
        "ZooKeeper is away",
        "a write is refused",
        "a write is lost",
        "the answer to a write is lost",
        "files cannot be fetched",
        "a process cannot be started",
    };
    return kNames[index_of(fault)];
}

Cluster::Cluster(std::uint64_t seed)
    : dice_(seed), zookeeper_(server_loop_, {kSessionTimeout, [this] { return net_.delay(); }}) {
    const int hosts = static_cast<int>(dice_.roll(2, 5));
    const int nimbuses = static_cast<int>(dice_.roll(1, 3));
    for (int i = 0; i < nimbuses; ++i) {
        const int host = i % hosts;
        nimbuses_.push_back({"n" + std::to_string(i) + ":6627", host, nullptr});
        seeds_.push_back(nimbuses_.back().id);
    }
    for (int i = 0; i < hosts; ++i) {
        hosts_.push_back(std::make_unique<Host>());
        hosts_.back()->number = i;
        hosts_.back()->slots = static_cast<int>(dice_.roll(2, 3));
    }
    // Each run has some kinds of faults, so that one kind is met alone, too.
    const std::int64_t rarity = dice_.roll(1, 6);
    for (std::size_t i = 0; i < kFaults; ++i)
        if (dice_.one_in(rarity)) may_come_.push_back(static_cast<Fault>(i));
    calm_ = dice_.one_in(2) ? dice_.roll(50, 800) : dice_.roll(800, 5'000);
    for (NimbusPlace& place : nimbuses_) start_nimbus(place);
    for (int i = 0; i < hosts; ++i) start_supervisor(i);
}

Cluster::~Cluster() {
    for (const auto& host : hosts_) {
        host->workers.clear();
        host->supervisor.reset();
    }
    nimbuses_.clear();
}

// ---- The run ------------------------------------------------------------------------------------

std::vector<std::string> Cluster::play() {
    time_.run_for(2 * kMicrosPerSecond);
    submit();
    const Micros begin = time_.now();
    while (time_.now() - begin < kFaultsFor && book_.faults().empty()) step();
    if (!book_.faults().empty()) return book_.faults();

    mend_all();
    time_.run_for(3 * kMicrosPerSecond);
    sources_flow_ = false;
    const Micros mended = time_.now();
    std::string why = restless();
    while (!why.empty() && book_.faults().empty()) {
        if (time_.now() - mended >= kRestWithin) {
            book_.fault("after " + std::to_string(kRestWithin / kMicrosPerSecond) +
                        " s without faults, " + why);
            break;
        }
        time_.run_for(kLook);
        why = restless();
    }
    rested_ = time_.now() - mended;
    note(book_.acked_in_all());
    note(book_.failed_in_all());
    note(book_.starts());
    note(static_cast<std::uint64_t>(time_.now()));
    return book_.faults();
}

/// For people.
std::string Cluster::summary() const {
    std::string text = std::to_string(hosts_.size()) + " hosts, " +
                       std::to_string(nimbuses_.size()) + " Nimbuses, " +
                       std::to_string(submitted_) + " topologies, " +
                       std::to_string(book_.starts()) + " workers started, " +
                       std::to_string(book_.acked_in_all()) + " tuples acked, " +
                       std::to_string(book_.failed_in_all()) + " failed, at rest after " +
                       std::to_string(rested_ / kMicrosPerMilli) + " ms\n";
    for (std::size_t i = 0; i < kFaults; ++i)
        if (hits_[i] > 0)
            text += std::to_string(hits_[i]) + " x " +
                    std::string(to_string(static_cast<Fault>(i))) + "\n";
    return text;
}

void Cluster::step() {
    time_.run_for(dice_.roll(1, 2 * calm_) * kMicrosPerMilli);
    inject();
    if (dice_.one_in(4)) {
        ask();
        // While it is on its way, or being written.
        time_.run_for(dice_.roll(0, 3'000));
        inject();
    }
    note(book_.acked_in_all());
    note(book_.failed_in_all());
    note(book_.starts());
    note(static_cast<std::uint64_t>(time_.now()));
}

void Cluster::later(Micros delay, std::function<void()> call) {
    loop_.after(delay, [this, call = std::move(call)] {
        if (faults_come_) call();
    });
}

// ---- What users ask for -------------------------------------------------------------------------

Nimbus* Cluster::any_nimbus() {
    // A client asks one after the other until one leads.
    for (const NimbusPlace& place : nimbuses_)
        if (place.process != nullptr && place.process->leads()) return place.process.get();
    return nimbuses_[dice_.index(nimbuses_.size())].process.get();
}

Topology Cluster::program(const cluster::TopologyRecord& record) const {
    using namespace storm::testing;
    const int executors = std::stoi(record.settings.at(kExecutors));
    TopologyBuilder t;
    t.spout<Numbers>("lines", 0).parallelism(executors);
    const Streams n = default_stream({{"n", Kind::kInt64}});
    t.bolt<AnyBasicBolt>("split", n, BasicScript{}).parallelism(executors).shuffle("lines");
    t.bolt<AnyBasicBolt>("count", n, BasicScript{}).parallelism(executors).shuffle("split");
    return t.build();
}

void Cluster::submit() {
    const std::string name = "t" + std::to_string(++submitted_);
    const int executors = static_cast<int>(dice_.roll(1, 4));
    const int workers = static_cast<int>(dice_.roll(1, 4));
    nimbus::Submission made;
    made.record.name = name;
    made.record.settings["topology.workers"] = std::to_string(workers);
    made.record.settings[kExecutors] = std::to_string(executors);
    made.description = nimbus::tests::word_count(executors);
    made.record.description = nimbus::tests::describe_json(made.description);
    made.record.artifacts = {{"program", std::string(64, 'a'), 0755, 5}};
    Nimbus* const nimbus = any_nimbus();
    asked_[name];
    using Answer = std::pair<std::string, bool>;
    net_.call<Answer>(
        user_, nimbus, kRequestPatience,
        [nimbus, made](const std::function<void(Answer)>& answer) {
            nimbus->topologies().submit(
                made, [answer](const std::string& id, const std::optional<nimbus::Refusal>& no) {
                    answer({id, !no});
                });
        },
        [this, name](const std::optional<Answer>& answer) {
            if (answer && answer->second) asked_[name].id = answer->first;
        });
}

void Cluster::ask() {
    if (submitted_ < 3 && dice_.one_in(3)) return submit();
    std::vector<std::string> names;
    for (const auto& [name, asked] : asked_)
        if (!asked.id.empty() && !asked.perhaps_killed && !asked.changing) names.push_back(name);
    if (names.empty()) return;
    const std::string& name = names[dice_.index(names.size())];
    switch (dice_.roll(1, 4)) {
        case 1:
            return kill(name);
        case 2:
            return set_active(name, asked_[name].inactive);
        default:
            return rebalance(name);
    }
}

void Cluster::request(std::function<void(nimbus::Topologies&, const nimbus::Answered&)> ask,
                      std::function<void(Outcome)> then) {
    Nimbus* const nimbus = any_nimbus();
    net_.call<Outcome>(
        user_, nimbus, kRequestPatience,
        [nimbus, ask = std::move(ask)](const std::function<void(Outcome)>& answer) {
            using Kind = nimbus::Refusal::Kind;
            ask(nimbus->topologies(), [answer](const std::optional<nimbus::Refusal>& no) {
                if (!no) return answer(Outcome::kDone);
                answer(no->kind == Kind::kUnavailable ? Outcome::kUnknown : Outcome::kRefused);
            });
        },
        [then = std::move(then)](const std::optional<Outcome>& outcome) {
            then(outcome.value_or(Outcome::kUnknown));
        });
}

void Cluster::kill(const std::string& name) {
    asked_[name].perhaps_killed = true;
    request([name, wait_ms = dice_.roll(0, 3'000)](
                nimbus::Topologies& topologies,
                const nimbus::Answered& done) { topologies.kill(name, wait_ms, done); },
            [this, name](Outcome outcome) { asked_[name].killed = outcome == Outcome::kDone; });
}

void Cluster::rebalance(const std::string& name) {
    asked_[name].rebalanced = true;
    cluster::Rebalance asked;
    if (dice_.one_in(2)) asked.workers = static_cast<std::uint32_t>(dice_.roll(1, 4));
    if (dice_.one_in(3)) asked.executors["split"] = 1;
    request([name, asked, wait_ms = dice_.roll(0, 2'000)](
                nimbus::Topologies& topologies,
                const nimbus::Answered& done) { topologies.rebalance(name, wait_ms, asked, done); },
            [](Outcome) {});
}

void Cluster::set_active(const std::string& name, bool active) {
    // The state that was asked for last is not known before the answer.
    asked_[name].changing = true;
    request(
        [name, active](nimbus::Topologies& topologies, const nimbus::Answered& done) {
            if (active) return topologies.activate(name, done);
            topologies.deactivate(name, done);
        },
        [this, name, active](Outcome outcome) {
            if (outcome == Outcome::kUnknown) return;
            asked_[name].changing = false;
            if (outcome == Outcome::kDone) asked_[name].inactive = !active;
        });
}

// ---- Processes ----------------------------------------------------------------------------------

Nimbus* Cluster::nimbus(const std::string& id) {
    for (const NimbusPlace& place : nimbuses_)
        if (place.id == id) return place.process.get();
    return nullptr;
}

void Cluster::start_nimbus(NimbusPlace& place) {
    place.process = std::make_unique<Nimbus>(*this, place.host, place.id);
    reach_zookeeper(*place.process);
}

/// As far as that is possible at present.
void Cluster::reach_zookeeper(Process& process) {
    zookeeper_.mend(process.loop());
    if (outages_ > 0) zookeeper_.cut(process.loop());
    if (cut_off_[process.host()] > 0) zookeeper_.silence(process.loop());
}

/// To be called right before the process goes. Its session ends when ZooKeeper has missed it for
/// long enough.
void Cluster::hang_up_on_zookeeper(Process& process) {
    zookeeper_.cut(process.loop());
    // Only for the server: another loop may have the same address later.
    zookeeper_.mend(process.loop());
}

void Cluster::kill_nimbus(NimbusPlace& place) {
    if (place.process == nullptr) return;
    hang_up_on_zookeeper(*place.process);
    net_.ended(*place.process);
    place.process.reset();
}

void Cluster::start_supervisor(int host) {
    Host& on = at(host);
    on.supervisor = std::make_unique<Supervisor>(*this, on);
    reach_zookeeper(*on.supervisor);
}

void Cluster::kill_supervisor(int host) {
    Host& on = at(host);
    if (on.supervisor == nullptr) return;
    hang_up_on_zookeeper(*on.supervisor);
    net_.ended(*on.supervisor);
    on.supervisor.reset();
}

pid_t Cluster::start_worker(const WorkerStart& start) {
    Host& on = at(start.host);
    if (starts_to_fail_ > 0) {
        --starts_to_fail_;
        return 0;
    }
    // Its port is taken.
    for (const auto& [pid, worker] : on.workers)
        if (worker->port() == start.port) return 0;
    book_.saw(start.assignment);
    book_.started(start.topology.id, start.number, start.incarnation);
    const pid_t pid = ++last_pid_;
    try {
        on.workers[pid] = std::make_unique<Worker>(*this, start, pid);
    } catch (const std::invalid_argument&) {
        // A record that is newer than the assignment, or older: it ends at once, and the next start
        // has both.
        on.workers.erase(pid);
        ended_[pid] = {.code = 1, .by_signal = false};
    }
    return pid;
}

Worker* Cluster::worker(pid_t pid) {
    for (const auto& host : hosts_) {
        const auto found = host->workers.find(pid);
        if (found != host->workers.end()) return found->second.get();
    }
    return nullptr;
}

Worker* Cluster::worker_in(int host, const std::string& topology, std::uint32_t number) {
    for (const auto& [pid, worker] : at(host).workers)
        if (worker->topology() == topology && worker->number() == number) return worker.get();
    return nullptr;
}

Worker* Cluster::listener(const std::string& host, std::uint16_t port) {
    for (const auto& [pid, worker] : at(host_number(host)).workers)
        if (worker->port() == port && !worker->is_ending()) return worker.get();
    return nullptr;
}

void Cluster::signal(pid_t pid, int number) {
    Worker* const found = worker(pid);
    if (found == nullptr) return;
    if (number == SIGKILL) {
        loop_.post([this, pid] {
            for (const auto& host : hosts_)
                if (host->workers.contains(pid)) return end_process(*host, pid, {SIGKILL, true});
        });
        return;
    }
    found->loop().post([found] { found->terminate(); });
}

void Cluster::ends(pid_t pid, int code) {
    loop_.post([this, pid, code] {
        for (const auto& host : hosts_)
            if (host->workers.contains(pid)) return end_process(*host, pid, {code, false});
    });
}

void Cluster::log(const std::string& what) {
    base::log::info("sim", {{"ms", time_.now() / kMicrosPerMilli}, {"what", what}});
}

/// Whether workers may lose sight of each other although they live.
bool Cluster::links_may_fail() const {
    return may_come(Fault::kWorkerStopped) || may_come(Fault::kHostCutOff) ||
           may_come(Fault::kHostsParted) || may_come(Fault::kOneWayParted) ||
           may_come(Fault::kSlowNetwork);
}

/// Whether Nimbus may take a healthy Supervisor for lost, or is to move workers.
bool Cluster::workers_may_move() const {
    return links_may_fail() || may_come(Fault::kHostLost) || may_come(Fault::kSupervisorKilled) ||
           may_come(Fault::kSupervisorStopped) || may_come(Fault::kZookeeperCut) ||
           may_come(Fault::kZookeeperSilent);
}

void Cluster::superseded(const Worker& worker) {
    if (links_may_fail()) return;
    const auto now = cluster::decode<cluster::Assignment>(
        zookeeper_.data("/storm/assignments/" + worker.topology()));
    // One that does not know yet that executors have moved must start anew anyway.
    if (!now || now->worker_of_executor != worker.assignment().worker_of_executor) return;
    for (const cluster::WorkerSlot& slot : now->workers) {
        if (slot.number == worker.number() && slot.epoch == worker.incarnation() >> 32)
            book_.fault("worker " + std::to_string(slot.number) + " of " + worker.topology() +
                        " was fenced, though it is assigned and no link has failed");
    }
}

void Cluster::end_process(Host& host, pid_t pid, End how) {
    ended_[pid] = how;
    net_.ended(*host.workers.at(pid));
    host.workers.erase(pid);
    if (host.supervisor == nullptr) return;
    Supervisor* const supervisor = host.supervisor.get();
    supervisor->loop().post(
        [supervisor, pid, how] { supervisor->worker_ended(pid, how.code, how.by_signal); });
}

std::optional<Cluster::End> Cluster::end_of(pid_t pid) const {
    const auto found = ended_.find(pid);
    return found == ended_.end() ? std::nullopt : std::optional(found->second);
}

bool Cluster::has_pending(const std::string& topology) const {
    return std::any_of(hosts_.begin(), hosts_.end(), [&](const auto& host) {
        return std::any_of(host->workers.begin(), host->workers.end(), [&](const auto& each) {
            return each.second->topology() == topology && each.second->has_pending();
        });
    });
}

bool Cluster::fails_to_fetch() {
    if (fetches_to_fail_ == 0) return false;
    --fetches_to_fail_;
    return true;
}

// ---- Faults -------------------------------------------------------------------------------------

void Cluster::inject() {
    if (may_come_.empty()) return;
    const Fault fault = may_come_[dice_.index(may_come_.size())];
    if (!inject(fault)) return;
    ++hits_[index_of(fault)];
    log(std::string(to_string(fault)));
}

/// Those with a connection to ZooKeeper.
template <typename Call>
void Cluster::each_daemon_of(int host, Call call) {
    const Host& on = at(host);
    if (on.supervisor != nullptr) call(static_cast<Process&>(*on.supervisor));
    for (const NimbusPlace& place : nimbuses_)
        if (place.host == host && place.process != nullptr)
            call(static_cast<Process&>(*place.process));
}

bool Cluster::inject(Fault fault) {
    const int hosts = static_cast<int>(hosts_.size());
    const int host = static_cast<int>(dice_.roll(0, hosts - 1));
    Host& on = at(host);
    const int other = (host + static_cast<int>(dice_.roll(1, hosts - 1))) % hosts;
    NimbusPlace& place = nimbuses_[dice_.index(nimbuses_.size())];
    // Mostly short, sometimes longer than every patience.
    const Micros while_ = dice_.one_in(4) ? dice_.roll(1, 25'000) * kMicrosPerMilli
                                          : dice_.roll(10, 4'000) * kMicrosPerMilli;
    pid_t pid = 0;
    if (!on.workers.empty()) {
        auto which = on.workers.begin();
        std::advance(which, dice_.index(on.workers.size()));
        pid = which->first;
    }
    // A process with a connection to ZooKeeper.
    Process* const client = dice_.one_in(2) ? static_cast<Process*>(place.process.get())
                                            : static_cast<Process*>(on.supervisor.get());
    const auto mend_later = [this, client, while_] {
        later(while_, [this, client, watch = client->watch()] {
            if (!watch.is_over()) reach_zookeeper(*client);
        });
    };
    switch (fault) {
        case Fault::kWorkerKilled:
            if (pid == 0) return false;
            end_process(on, pid, {SIGKILL, true});
            return true;
        case Fault::kWorkerStopped:
            return stop_for(while_, pid == 0 ? nullptr : on.workers.at(pid).get());
        case Fault::kSupervisorKilled:
            if (on.supervisor == nullptr) return false;
            kill_supervisor(host);
            later(while_, [this, host] {
                Host& there = at(host);
                if (there.up && there.supervisor == nullptr) start_supervisor(host);
            });
            return true;
        case Fault::kSupervisorStopped:
            return stop_for(while_, on.supervisor.get());
        case Fault::kNimbusStopped:
            return stop_for(while_, place.process.get());
        case Fault::kNimbusKilled: {
            if (place.process == nullptr) return false;
            kill_nimbus(place);
            later(while_, [this, &place] {
                if (place.process == nullptr && at(place.host).up) start_nimbus(place);
            });
            return true;
        }
        case Fault::kHostLost:
            if (!on.up) return false;
            lose_power(host);
            later(while_, [this, host] { power_on(host); });
            return true;
        case Fault::kHostCutOff:
            cut_off(host, true);
            later(while_, [this, host] { cut_off(host, false); });
            return true;
        case Fault::kHostsParted:
        case Fault::kOneWayParted: {
            const bool both = fault == Fault::kHostsParted;
            net_.part(host, other, true);
            if (both) net_.part(other, host, true);
            later(while_, [this, host, other, both] {
                if (cut_off_[host] > 0 || cut_off_[other] > 0) return;  // Mended with that.
                net_.part(host, other, false);
                if (both) net_.part(other, host, false);
            });
            return true;
        }
        case Fault::kWireBroken:
            return net_.break_one();
        case Fault::kSlowNetwork:
            net_.slow_down(dice_.roll(1, 100) * kMicrosPerMilli);
            later(while_, [this] { net_.slow_down(0); });
            return true;
        case Fault::kSessionExpired:
            if (client == nullptr) return false;
            zookeeper_.expire(client->loop());
            return true;
        case Fault::kZookeeperCut:
            if (client == nullptr) return false;
            zookeeper_.cut(client->loop());
            mend_later();
            return true;
        case Fault::kZookeeperSilent:
            if (client == nullptr) return false;
            zookeeper_.silence(client->loop());
            mend_later();
            return true;
        case Fault::kZookeeperOutage:
            ++outages_;
            for (int i = 0; i < hosts; ++i)
                each_daemon_of(i, [this](Process& process) { zookeeper_.cut(process.loop()); });
            later(while_, [this] {
                if (--outages_ > 0) return;
                for (int i = 0; i < static_cast<int>(hosts_.size()); ++i)
                    each_daemon_of(i, [this](Process& process) { reach_zookeeper(process); });
            });
            return true;
        case Fault::kWriteRefused:
        case Fault::kWriteLostBefore:
        case Fault::kWriteLostAfter: {
            using coordination::MultiFault;
            if (client == nullptr) return false;
            const MultiFault how = fault == Fault::kWriteRefused      ? MultiFault::kRefused
                                   : fault == Fault::kWriteLostBefore ? MultiFault::kLostBefore
                                                                      : MultiFault::kLostAfter;
            zookeeper_.fail_multis(client->loop(), static_cast<int>(dice_.roll(1, 6)), how);
            return true;
        }
        case Fault::kFetchFails:
            fetches_to_fail_ = static_cast<int>(dice_.roll(1, 4));
            return true;
        case Fault::kStartFails:
            starts_to_fail_ = static_cast<int>(dice_.roll(1, 4));
            return true;
    }
    return false;
}

bool Cluster::stop_for(Micros time, Process* process) {
    if (process == nullptr) return false;
    process->loop().hold();
    later(time, [process, watch = process->watch()] {
        if (!watch.is_over()) process->loop().release();
    });
    return true;
}

/// All of its processes are gone at once; nobody is told.
void Cluster::lose_power(int host) {
    Host& on = at(host);
    on.up = false;
    each_daemon_of(host, [this](Process& process) { hang_up_on_zookeeper(process); });
    net_.lost_power(host);
    for (const auto& [pid, worker] : on.workers) ended_[pid] = {SIGKILL, true};
    on.workers.clear();
    on.supervisor.reset();
    for (NimbusPlace& place : nimbuses_)
        if (place.host == host) place.process.reset();
}

void Cluster::power_on(int host) {
    Host& on = at(host);
    if (on.up) return;
    on.up = true;
    on.boot = std::to_string(std::stoi(on.boot) + 1);
    start_supervisor(host);
    for (NimbusPlace& place : nimbuses_)
        if (place.host == host && place.process == nullptr) start_nimbus(place);
}

void Cluster::cut_off(int host, bool off) {
    int& times = cut_off_[host];
    times += off ? 1 : -1;
    if (times != (off ? 1 : 0)) return;  // It was, or still is.
    for (int other = 0; other < static_cast<int>(hosts_.size()); ++other) {
        if (other == host) continue;
        net_.part(host, other, off);
        net_.part(other, host, off);
    }
    each_daemon_of(host, [this](Process& process) { reach_zookeeper(process); });
}

void Cluster::mend_all() {
    faults_come_ = false;
    outages_ = 0;
    cut_off_.clear();
    fetches_to_fail_ = starts_to_fail_ = 0;
    net_.slow_down(0);
    const int hosts = static_cast<int>(hosts_.size());
    // One of them may not come back, so that what ran there must run elsewhere.
    const bool stays_away = may_come(Fault::kHostLost) && hosts > 2 && dice_.one_in(2);
    const int away = stays_away ? static_cast<int>(dice_.roll(0, hosts - 1)) : -1;
    if (stays_away && at(away).up) lose_power(away);
    for (int host = 0; host < hosts; ++host) {
        for (int other = 0; other < hosts; ++other) net_.part(host, other, false);
        if (host == away) continue;
        power_on(host);
        if (at(host).supervisor == nullptr) start_supervisor(host);
    }
    for (NimbusPlace& place : nimbuses_) {
        // One Nimbus there must be.
        if (place.host == away && nimbuses_.size() == 1) place.host = (away + 1) % hosts;
        if (place.process == nullptr && place.host != away) start_nimbus(place);
    }
    for (int host = 0; host < hosts; ++host) {
        for (const auto& [pid, worker] : at(host).workers) worker->loop().release();
        each_daemon_of(host, [this](Process& process) {
            process.loop().release();
            zookeeper_.mend(process.loop());
        });
    }
}

// ---- The end ------------------------------------------------------------------------------------

std::string Cluster::restless() {
    Nimbus* leader = nullptr;
    for (const NimbusPlace& place : nimbuses_) {
        if (place.process == nullptr || !place.process->leads()) continue;
        if (leader != nullptr) return "two Nimbuses lead";
        leader = place.process.get();
    }
    if (leader == nullptr) return "no Nimbus leads";
    const std::vector<nimbus::TopologyView> all = leader->topologies().all();
    std::map<std::pair<std::string, std::uint32_t>, std::vector<Worker*>> running;
    for (const auto& host : hosts_)
        for (const auto& [pid, worker] : host->workers)
            running[{worker->topology(), worker->number()}].push_back(worker.get());
    std::size_t slots = 0;
    for (const auto& host : hosts_) slots += host->up ? static_cast<std::size_t>(host->slots) : 0;
    const std::size_t busy = running.size();
    std::set<std::string> names;
    for (const nimbus::TopologyView& view : all) {
        names.insert(view.record.name);
        const Asked& asked = asked_[view.record.name];
        const std::string what = view.record.id;
        const auto wrong = [&what](const std::string& why) { return what + ": " + why; };
        // A change of leader, an outage of ZooKeeper or a lost session is no reason to move
        // anything. One that was short of slots at first gets others when they are free.
        const std::size_t wanted =
            std::min<std::size_t>(std::stoul(view.record.settings.at("topology.workers")),
                                  3 * std::stoul(view.record.settings.at(kExecutors)));
        const bool stays =
            !workers_may_move() && !asked.rebalanced && book_.workers_placed(what, 1) == wanted;
        for (const cluster::WorkerSlot& slot : view.assignment.workers)
            if (stays && slot.epoch != 1)
                book_.fault("worker " + std::to_string(slot.number) + " of " + what +
                            " was moved, though its host was there all the time");
        if (asked.killed) return wrong("it was killed, and is still " + std::string(view.state));
        if (view.state != "ACTIVE" && view.state != "INACTIVE")
            return wrong("it is " + std::string(view.state));
        if (!asked.changing && !asked.perhaps_killed &&
            (view.state == "INACTIVE") != asked.inactive)
            return wrong("it is " + std::string(view.state) + ", which nobody has asked for");
        if (!view.unassigned.empty() && busy >= slots) continue;  // It cannot have any.
        if (!view.unassigned.empty()) return wrong("it has no places: " + view.unassigned[0]);
        if (view.assignment.workers.empty()) return wrong("it has no workers");
        for (const cluster::WorkerSlot& slot : view.assignment.workers) {
            const auto found = running.find({what, slot.number});
            const std::string which = "worker " + std::to_string(slot.number);
            if (found == running.end()) return wrong(which + " does not run");
            if (found->second.size() != 1) return wrong(which + " runs twice");
            const Worker& worker = *found->second[0];
            if (worker.incarnation() >> 32 != slot.epoch)
                return wrong(which + " is of another epoch");
            if (host_name(worker.host()) != slot.host || worker.port() != slot.port)
                return wrong(which + " runs elsewhere");
            if (worker.assignment().epoch != view.assignment.epoch)
                return wrong(which + " follows an older assignment");
            if (const std::string why = worker.restless(); !why.empty()) return wrong(why);
            running.erase(found);
        }
    }
    if (!running.empty()) {
        const auto& [which, workers] = *running.begin();
        return "worker " + std::to_string(which.second) + " of " + which.first +
               " runs, but is not assigned";
    }
    for (const auto& [name, asked] : asked_)
        if (!asked.id.empty() && !asked.perhaps_killed && !names.contains(name))
            return name + " was submitted, and is gone";
    return {};
}

}  // namespace storm::sim

#include "supervisor/supervisor.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/log.h"
#include "base/secret.h"
#include "supervisor/host.h"
#include "supervisor/leftovers.h"
#include "supervisor/limits.h"
#include "supervisor/saved_worker.h"
#include "supervisor/worker_users.h"

namespace storm::supervisor {
namespace {

/// A slot that there is not.
constexpr std::uint16_t kNoPort = 0;

/// Status of a worker without a slot; nothing: it is not meant to run anyway.
std::optional<cluster::WorkerStatus> status_of(const Mistake& mistake) {
    if (!cluster::is_running(mistake.wanted.status)) return std::nullopt;
    cluster::WorkerStatus status;
    status.topology = mistake.wanted.target.topology;
    status.number = mistake.wanted.target.number;
    status.incarnation = mistake.wanted.target.epoch << 32U;
    status.port = mistake.port;
    status.report.state = cluster::WorkerState::kBackOff;
    status.report.failure = "cannot start it: " + mistake.why;
    return status;
}

}  // namespace

base::Result<std::unique_ptr<Supervisor>> Supervisor::start(const Outside& outside,
                                                            const Settings& settings) {
    std::unique_ptr<Supervisor> made(new Supervisor(outside, settings));
    const auto begun = made->begin_();
    if (!begun) return begun.error();
    return made;
}

/// One queue for each thing that can stand still, so that it holds up nothing else: `files` is the
/// disk, where order matters; `removals` may take minutes; downloads and reports wait for other
/// hosts.
Supervisor::Supervisor(const Outside& outside, const Settings& settings)
    : outside_(outside),
      settings_(settings),
      loop_(outside.io),
      started_ms_(outside.wall.now_ms()),
      state_(outside.session),
      assigned_(state_, loop_, [this] { reconcile_(); }),
      files_(loop_, "files", kErrandsMax),
      removals_(loop_, "removals", kErrandsMax),
      downloads_(loop_, kDownloadThreads, kErrandsMax),
      reports_(loop_, "reports", kErrandsMax),
      fetcher_(
          state_, outside.wall, files_, removals_, downloads_, settings_.places,
          [this] { return nimbuses_(); }, settings_.token_file),
      reporter_(
          loop_, reports_,
          {[this] { return report(); }, [this] { return nimbuses_(); }, settings_.token_file}),
      api_(files_, {[this] { return overview_(); }, settings_.places, settings_.token_file,
                    settings_.readonly_token_file}),
      shop_{outside.io,
            loop_,
            settings_.places,
            settings_.host,
            identity_.home,
            isolation_,
            settings_.times,
            fetcher_,
            files_,
            [this](std::uint16_t port, const cluster::ToWorker& message) {
                if (socket_) socket_->send(port, message);
            },
            [this](std::uint16_t port) {
                if (socket_) socket_->disconnect(port);
            },
            [this](bool urgent) { reporter_.changed(urgent); },
            [this](std::uint16_t port, bool taken) { port_taken_(port, taken); },
            [this] { return vouch_now_().nimbuses; },
            [this](std::uint16_t port) { return others_(port); }} {}

Supervisor::~Supervisor() {
    lifetime_.end();
}

base::Result<base::Done> Supervisor::begin_() {
    auto dir = daemon::LocalDir::open(settings_.places.local_dir, "supervisor");
    if (!dir) return dir.error();
    dir_.emplace(std::move(dir).value());
    for (const std::string& directory : {settings_.places.workers(), settings_.places.log_dir}) {
        const auto made = base::make_directory(directory, 0700);
        if (!made) return made.error();
    }
    // One that is missing may come later; meanwhile reports say so.
    if (::access(settings_.token_file.c_str(), F_OK) == 0) {
        const auto token = base::read_secret(settings_.token_file, kSmallFileBytesMax);
        if (!token) return base::Error{"cannot use the token: " + token.error().message};
    }
    const auto isolated = isolate_();
    if (!isolated) return isolated.error();
    // Before what ended workers have left behind is looked for.
    identity_.home = home_in(settings_.places);
    // Once the directory is locked, and before anything is assigned: a worker that runs must be in
    // its slot when the first assignment comes, or a second process would start beside it.
    adopt_workers_();
    // After adopting: a port that one of our workers listens at is not taken by another program.
    auto identity = identify(settings_, [this](std::uint16_t port) {
        return runners_.count(port) > 0 || try_port(settings_.host, port).has_value();
    });
    if (!identity) return identity.error();
    identity_ = std::move(identity).value();
    own_ports_.insert(identity_.slots.begin(), identity_.slots.end());
    for (const std::uint16_t port : identity_.slots) {
        const bool ours = runners_.count(port) > 0;
        runner_(port);
        const auto free = ours ? base::Done{} : try_port(settings_.host, port);
        if (free) continue;
        base::log::error("a slot is left out", {{"port", std::int64_t{port}},
                                                {"why", free.error().message},
                                                {"setting", "supervisor.slots.ports"}});
        port_taken_(port, true);
    }
    // Listening comes before following: a worker that is started must find the socket, and Nimbus
    // the port that the record names.
    auto listening = listen_();
    if (!listening) return listening;
    follow_();
    dir_->ready({{"port", http_->port()},
                 {"id", identity_.id},
                 {"host", settings_.host},
                 {"slots", identity_.slots},
                 {"version", STORM_VERSION}});
    return base::Done{};
}

base::Result<base::Done> Supervisor::isolate_() {
    if (settings_.places.users) {
        const auto opened = open_to_users(settings_.places);
        if (!opened) return opened.error();
    } else {
        base::log::warn(
            "workers run as this supervisor's own user: topologies can read its token and "
            "all of each other; run it as root, with supervisor.run.worker.as.user");
    }
    auto measured = Isolation::measure(settings_.isolation, settings_.places.users);
    if (!measured) {
        return base::Error{measured.error().message +
                           "; choose others by supervisor.worker.user.ids, or set "
                           "supervisor.run.worker.as.user to false"};
    }
    isolation_ = std::move(measured).value();
    base::log::info("isolation of workers", {{"has", isolation_.text()}});
    return base::Done{};
}

void Supervisor::adopt_workers_() {
    own_ports_.insert(settings_.slots.begin(), settings_.slots.end());
    std::vector<SavedWorker> ended;
    SavedWorkers states = read_states(settings_.places);
    for (const std::string& why : states.unreadable)
        base::log::error("a worker is not looked after, if it runs", {{"why", why}});
    for (SavedWorker& saved : states.workers) {
        own_ports_.insert(saved.port);
        if (!saved.running) continue;
        auto process = find_process(settings_.places, saved);
        if (process && runners_.count(saved.port) == 0) {
            runner_(saved.port).adopt(saved, *std::move(process));
            continue;
        }
        // It may even be the newer of the two, but only one can have the port, and a worker without
        // a slot would be nobody's.
        if (process) {
            base::log::error("killing a worker whose port another one has",
                             {{"pid", std::int64_t{process->pid()}}});
            process->signal(SIGKILL);
            static_cast<void>(process->ends_within(kLeftoverPatience));
            process->reap();
        }
        ended.push_back(std::move(saved));
    }
    // Once all are known: none of them is a leftover of another one.
    for (SavedWorker& saved : ended) bury_(std::move(saved));
}

/// Before its slot is looked at: what it has left behind may hold the port.
void Supervisor::bury_(SavedWorker saved) {
    base::log::info("a worker has ended while there was no supervisor",
                    {{"topology", saved.topology}, {"worker", std::int64_t{saved.number}}});
    if (is_of_this_boot(saved)) {
        end_leftovers(settings_.places,
                      {saved.topology, saved.number, saved.port, saved.pid, saved.start_time},
                      others_(kNoPort));
    }
    saved.running = false;
    saved.pid = 0;
    const auto written = write_state(settings_.places, saved);
    if (!written) base::log::warn("cannot save it", {{"why", written.error().message}});
}

base::Result<base::Done> Supervisor::listen_() {
    WorkerSocket::Callbacks callbacks;
    callbacks.recognize = [this](const cluster::Hello& hello,
                                 pid_t pid) -> std::optional<std::uint16_t> {
        for (const auto& [port, runner] : runners_) {
            if (runner->recognize(hello, pid)) return port;
        }
        return std::nullopt;
    };
    // The vouch comes first: a worker that asked Nimbus meanwhile need not any more.
    callbacks.connected = [this](std::uint16_t port) {
        socket_->send(port, vouch_now_());
        runner_(port).connected();
    };
    callbacks.reported = [this](std::uint16_t port, cluster::WorkerReport report) {
        runner_(port).reported(std::move(report));
    };
    if (const auto& users = settings_.places.users) {
        callbacks.admits = [all = *users](uid_t user) {
            return all.has(user) || user == ::geteuid();
        };
    }
    const std::size_t connections = runners_.size() * (1 + kStrangersOfUserMax) + kSpareConnections;
    auto socket = WorkerSocket::listen(outside_.io, settings_.places.socket(), connections,
                                       std::move(callbacks));
    if (!socket) return socket.error();
    socket_ = std::move(socket).value();

    net::HttpAddress address;
    address.host = settings_.host;
    address.port = settings_.http_port;
    address.beyond_loopback = settings_.beyond_loopback;
    net::HttpService service;
    service.recognize = [this](const net::HttpRequest& head) { return api_.recognize(head); };
    service.answer = [this](const net::HttpRequest& request, const net::HttpReply& reply) {
        api_.answer(request, reply);
    };
    auto http = net::HttpServer::listen(outside_.io, address, std::move(service));
    if (!http) return base::Error{http.error().message + " (supervisor.port)"};
    http_ = std::move(http).value();
    return base::Done{};
}

void Supervisor::follow_() {
    STORM_CHECK(socket_ && http_, "what is published can be reached");
    ready_ = true;
    publish_();
    state_.follow_assignments([this](const std::map<std::string, cluster::Assignment>& all) {
        // Compared with what runs: a Supervisor that has just started knows former epochs only by
        // that.
        assigned_.take(all, running_());
        reconcile_();
    });
    state_.follow_leader([this](const std::optional<cluster::Leadership>& leader) {
        const bool new_one = leader && leader != leader_;
        leader_ = leader;
        if (new_one) reporter_.changed(true);  // A new leader knows nothing about us yet.
    });
    state_.follow_nimbuses([this](const std::map<std::string, cluster::NimbusRecord>& live) {
        live_nimbuses_ = live;
    });
    outside_.session.on_state(lifetime_.guard([](coordination::SessionState state) {
        base::log::info("zookeeper", {{"session", to_string(state)}});
    }));
    reporter_.begin();
    clean_up_();
    vouch_();
    look_at_socket_();
}

/// The record is the offer to Nimbus, so it changes when a port is taken or free again.
void Supervisor::publish_() {
    if (!ready_) return;
    const Host host = this_host();
    cluster::SupervisorRecord record;
    record.id = identity_.id;
    record.host = settings_.host;
    record.http_port = http_->port();
    record.slots = offered_slots_();
    record.storm_version = STORM_VERSION;
    record.machine = host.machine;
    record.glibc = host.glibc;
    record.cpu_features = host.cpu_features;
    record.isolation = isolation_.text();
    record.started_ms = started_ms_;
    record.home = identity_.home;
    record.pid = static_cast<std::uint32_t>(::getpid());
    state_.publish(record, outside_.replaced);
}

std::vector<std::uint16_t> Supervisor::offered_slots_() const {
    std::vector<std::uint16_t> offered;
    for (const std::uint16_t port : identity_.slots) {
        if (taken_ports_.count(port) == 0) offered.push_back(port);
    }
    return offered;
}

std::map<std::uint16_t, Target> Supervisor::running_() const {
    std::map<std::uint16_t, Target> running;
    for (const auto& [port, runner] : runners_) {
        if (runner->slot().target()) running[port] = *runner->slot().target();
    }
    return running;
}

/// Compares all that is wanted with all that runs, and may be called at any time: to look twice
/// changes nothing, and a change that was not noticed is seen by the next look.
void Supervisor::reconcile_() {
    // Before the first assignments are known nothing is wanted, which does not mean that nothing is
    // to run.
    const std::map<std::uint16_t, Target> current = running_();
    if (!assigned_.known()) return;
    if (assigned_.look(current)) reporter_.changed(true);
    const std::set<std::uint16_t> ports(identity_.slots.begin(), identity_.slots.end());
    Desired desired = desired_workers(assigned_.assignments(), identity_.id, ports, current,
                                      assigned_.in_doubt());
    note_mistakes_(std::move(desired.mistakes));
    for (const auto& [port, runner] : runners_) {
        if (desired.left_alone.count(port) > 0) continue;
        const auto wanted = desired.by_port.find(port);
        if (wanted == desired.by_port.end()) {
            runner->want({}, nullptr);
            continue;
        }
        // Also for a worker that runs: if ZooKeeper loses the record later, it can still be started
        // again.
        const std::string& topology = wanted->second.target.topology;
        fetcher_.get_ready(wanted->second.target);
        runner->want(wanted->second, assigned_.assignments().at(topology));
    }
}

void Supervisor::note_mistakes_(std::vector<Mistake> mistakes) {
    const auto is_known = [this](const Mistake& mistake) {
        return std::any_of(mistakes_.begin(), mistakes_.end(),
                           [&](const Mistake& known) { return known.why == mistake.why; });
    };
    for (const Mistake& mistake : mistakes) {
        if (is_known(mistake)) continue;
        base::log::error("a worker has no slot", {{"why", mistake.why}});
        reporter_.changed(true);
    }
    mistakes_ = std::move(mistakes);
}

void Supervisor::clean_up_() {
    // Files are kept for what runs, not for what is assigned: a worker that is being stopped still
    // uses its own.
    if (assigned_.known()) {
        std::set<std::string> topologies;
        for (const auto& [port, target] : running_()) topologies.insert(target.topology);
        fetcher_.keep_only(topologies);
    }
    loop_.after(kCleanUpMicros, lifetime_.guard([this] { clean_up_(); }));
}

cluster::Vouch Supervisor::vouch_now_() const {
    cluster::Vouch vouch;
    // A process that was stopped does not know yet whether its session has survived that.
    const bool slept = vouched_ && loop_.now() - *vouched_ > kLateVouch;
    // Assignments that were read in an earlier session may have changed since.
    vouch.sure = outside_.session.ready() && state_.assignments_are_of_this_session() && !slept;
    for (const net::Address& nimbus : nimbuses_())
        vouch.nimbuses.push_back({nimbus.host, nimbus.port});
    return vouch;
}

void Supervisor::vouch_() {
    // Made with the time of the last round: if this process was stopped since, that shows, and this
    // round vouches for nothing.
    const cluster::Vouch vouch = vouch_now_();
    for (const auto& [port, runner] : runners_) socket_->send(port, vouch);
    vouched_ = loop_.now();
    loop_.after(cluster::kVouchMicros, lifetime_.guard([this] { vouch_(); }));
}

/// Somebody may clean up below a running Supervisor; workers without the socket are never heard of.
void Supervisor::look_at_socket_() {
    const auto again = [this] {
        loop_.after(kSocketLookMicros, lifetime_.guard([this] { look_at_socket_(); }));
    };
    const bool taken = files_.run(socket_->look(), lifetime_.guard([this, again](bool is_named) {
        if (!is_named) {
            const auto renewed = socket_->renew();
            base::log::warn("the socket for workers had lost its name",
                            {{"path", settings_.places.socket()},
                             {"now", renewed ? "made anew" : renewed.error().message}});
        }
        again();
    }));
    if (!taken) again();
}

SlotRunner& Supervisor::runner_(std::uint16_t port) {
    auto& runner = runners_[port];
    if (!runner) runner = std::make_unique<SlotRunner>(shop_, port);
    return *runner;
}

Others Supervisor::others_(std::uint16_t port) const {
    Others others;
    others.ports = own_ports_;
    others.home = identity_.home;
    for (const auto& [slot, runner] : runners_) {
        if (slot == port) continue;
        if (auto worker = runner->worker()) others.workers.push_back(*std::move(worker));
    }
    return others;
}

/// The leader first, since it alone takes reports; seeds last, since they may be out of date. Each
/// one once: a try at one that is silent costs its whole time.
std::vector<net::Address> Supervisor::nimbuses_() const {
    std::vector<net::Address> found;
    const auto add = [&found](const net::Address& one) {
        if (std::find(found.begin(), found.end(), one) == found.end()) found.push_back(one);
    };
    if (leader_) {
        const auto leader = net::parse_address(leader_->nimbus, 0);
        if (leader && leader->port != 0) add(*leader);
    }
    for (const auto& [id, nimbus] : live_nimbuses_) add({nimbus.host, nimbus.port});
    for (const net::Address& seed : settings_.nimbus_seeds) add(seed);
    return found;
}

std::string Supervisor::problem() const {
    return files_.at_work_for() < kFilesJobMax ? "" : "the disk of storm.local.dir does not answer";
}

cluster::SupervisorReport Supervisor::report() const {
    cluster::SupervisorReport report;
    report.supervisor = identity_.id;
    report.host = settings_.host;
    report.http_port = http_ ? http_->port() : settings_.http_port;
    for (const auto& [port, runner] : runners_) {
        auto status = runner->status();
        if (!status) continue;
        const auto doubt = assigned_.doubts().find(status->topology);
        std::string& failure = status->report.failure;
        if (doubt != assigned_.doubts().end() && failure.empty()) failure = doubt->second;
        report.workers.push_back(*std::move(status));
    }
    for (const Mistake& mistake : mistakes_) {
        // Otherwise nobody but this log would know why a worker is not there.
        if (auto status = status_of(mistake)) report.workers.push_back(*std::move(status));
    }
    return report;
}

Overview Supervisor::overview_() const {
    Overview now;
    now.zookeeper =
        outside_.session.ready() ? "connected" : std::string(to_string(outside_.session.state()));
    now.refused = reporter_.refused();
    now.disk = files_.at_work_for() < kFilesJobSlow ? "" : "hangs";
    now.in_doubt = assigned_.doubts().size();
    now.slots = offered_slots_().size();
    now.report = report();
    for (const auto& [port, runner] : runners_) {
        if (runner->slot().target()) ++now.slots_used;
        for (std::size_t i = 0; i < kEndReasons; ++i) {
            now.restarts[i] += runner->slot().ends(static_cast<EndReason>(i));
        }
    }
    return now;
}

}  // namespace storm::supervisor

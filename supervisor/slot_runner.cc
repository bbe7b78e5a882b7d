#include "supervisor/slot_runner.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <utility>

#include "base/files.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "cluster/limits.h"
#include "supervisor/artifact_cache.h"
#include "supervisor/host.h"
#include "supervisor/limits.h"
#include "supervisor/logs.h"

namespace storm::supervisor {
namespace {

using Kind = SlotAction::Kind;

constexpr mode_t kLogDirectoryMode = 0750;
/// From a worker's folder, for its user may not reach it by its path from the root.
constexpr const char* kSocketFromFolder = "/proc/self/cwd/../../../supervisor.sock";

/// Bytes; 0: its topology asks for none. What is no number was refused when it was submitted.
std::uint64_t memory_limit(const cluster::TopologyRecord& topology) {
    const auto setting = topology.settings.find("topology.worker.max.memory.mb");
    std::uint64_t mebibytes = 0;
    if (setting != topology.settings.end()) {
        const std::string& text = setting->second;
        std::from_chars(text.data(), text.data() + text.size(), mebibytes);
    }
    return std::min(mebibytes, kMemoryMebibytesMax) << 20;
}

std::string why_text(EndReason reason) {
    switch (reason) {
        case EndReason::kSilent:
            return ": it had not reported for supervisor.worker.timeout.secs";
        case EndReason::kStartTimeout:
            return ": it had not reported within supervisor.worker.start.timeout.secs";
        case EndReason::kFenced:
            return " (fenced by its peers)";
        case EndReason::kCrash:
        case EndReason::kFailed:
        case EndReason::kNotStarted:
            break;
    }
    return {};
}

}  // namespace

SlotRunner::SlotRunner(Workshop& shop, std::uint16_t port)
    : shop_(shop), port_(port), slot_(shop.times) {}

SlotRunner::~SlotRunner() {
    *alive_ = false;
}

void SlotRunner::adopt(const SavedWorker& saved, WorkerProcess process) {
    saved_ = saved;
    saved_.pid = process.pid();
    saved_.start_time = process.start_time();
    process_.emplace(std::move(process));
    report_.state = cluster::WorkerState::kRunning;
    stderr_begin_ = file_size(log_("stderr"));
    kernel_kills_ = kernel_kills();
    Wanted wanted;
    wanted.target = {saved.topology, saved.number, saved.epoch};
    slot_.adopt(wanted, {saved.starts, saved.finished}, shop_.loop.now());
    save_();
    watch_();
    apply_({});
    base::log::info("worker adopted", {{"topology", saved_.topology},
                                       {"worker", std::int64_t{saved_.number}},
                                       {"pid", std::int64_t{saved_.pid}}});
}

void SlotRunner::want(const std::optional<Wanted>& wanted,
                      std::shared_ptr<const cluster::Assignment> assignment) {
    assignment_ = std::move(assignment);
    History history;
    if (wanted) {
        const auto saved = read_state(shop_.places, wanted->target.topology, wanted->target.number);
        if (saved && saved->epoch == wanted->target.epoch) {
            history = {saved->starts, saved->finished};
        }
    }
    const std::optional<Target> before = slot_.target();
    apply_(slot_.want(wanted, history, shop_.loop.now()));
    if (assignment_ && held_fetch_) fetch_(*std::exchange(held_fetch_, std::nullopt));
    if (slot_.target() != before) {
        exit_.clear();
        last_stderr_.clear();
        report_ = {};
    }
}

bool SlotRunner::recognize(const cluster::Hello& hello, pid_t pid) const {
    if (!process_ || process_->pid() != pid) return false;
    return base::same_secret(base::sha256(hello.token), saved_.token_hash);
}

void SlotRunner::connected() {
    apply_(slot_.connected());
}

void SlotRunner::reported(cluster::WorkerReport report) {
    const bool urgent = report.state != report_.state || report.failure != report_.failure ||
                        report.assignment_epoch != report_.assignment_epoch ||
                        report.metrics_port != report_.metrics_port;
    const bool counts = report.components != report_.components;
    report_ = std::move(report);
    const SlotState before = slot_.state();
    const bool finished = slot_.finished();
    apply_(slot_.reported(report_.state, shop_.loop.now()));
    if (slot_.finished() != finished) save_();
    if (urgent || counts) shop_.changed(urgent || slot_.state() != before);
    look_at_logs_();
}

void SlotRunner::apply_(const SlotActions& actions) {
    for (const SlotAction& action : actions) perform_(action);
    if (!actions.empty()) shop_.changed(true);
    tick_at_(slot_.deadline());
}

void SlotRunner::perform_(const SlotAction& action) {
    switch (action.kind) {
        case Kind::kFetch:
            return fetch_(action.ticket);
        case Kind::kStart:
            return start_(action.incarnation);
        case Kind::kAssign:
            if (assignment_) shop_.send(port_, cluster::Assign{*assignment_});
            return;
        case Kind::kDrain:
            return shop_.send(port_, cluster::Stop{.drain = true});
        case Kind::kStop:
            return shop_.send(port_, cluster::Stop{.drain = false});
        case Kind::kTerminate:
            return process_->signal(SIGTERM);
        case Kind::kKill:
            base::log::warn("killing a worker", {{"topology", slot_.target()->topology},
                                                 {"worker", std::int64_t{slot_.target()->number}},
                                                 {"pid", std::int64_t{process_->pid()}}});
            return process_->signal(SIGKILL);
    }
}

void SlotRunner::fetch_(std::uint64_t ticket) {
    if (!assignment_) {  // It was adopted, and what is assigned here is not known yet.
        held_fetch_ = ticket;
        return;
    }
    held_fetch_.reset();
    shop_.fetcher.fetch(
        *slot_.target(), [this, alive = alive_, ticket](base::Result<Fetched> fetched) {
            if (!*alive) return;
            const bool ok = fetched.has_value();
            if (ok) {
                fetched_ = std::move(fetched).value();
            } else {
                report_.failure = "cannot start it: " + fetched.error().message;
                base::log::error("cannot get what a worker needs",
                                 {{"port", std::int64_t{port_}}, {"why", fetched.error().message}});
            }
            const SlotState before = slot_.state();
            apply_(slot_.fetched(ticket, ok, shop_.loop.now()));
            if (slot_.state() != before) shop_.changed(true);
        });
}

void SlotRunner::start_(std::uint64_t incarnation) {
    const auto started = try_to_start_(incarnation);
    if (started) return;
    base::log::error("cannot start a worker",
                     {{"port", std::int64_t{port_}}, {"why", started.error().message}});
    report_.failure = "cannot start it: " + started.error().message;
    exit_ = "not started";
    saved_.running = false;
    save_();
    apply_(slot_.start_failed(shop_.loop.now()));
}

base::Result<base::Done> SlotRunner::try_to_start_(std::uint64_t incarnation) {
    const Target& target = *slot_.target();
    const std::string token = base::random_bytes(cluster::kSecretBytes);
    // Its count first: whatever happens from here on, this incarnation is used up.
    saved_ = {.topology = target.topology,
              .number = target.number,
              .port = port_,
              .epoch = target.epoch,
              .starts = slot_.starts(),
              .running = true,
              .token_hash = base::sha256(token)};
    const auto written = write_state(shop_.places, saved_);
    if (!written) return written.error();
    const auto free = try_port(shop_.host, port_);
    shop_.port_taken(port_, !free.has_value());
    if (!free) return free.error();
    const auto made =
        base::make_directory(shop_.places.logs(target.topology, target.number), kLogDirectoryMode);
    if (!made) return made.error();

    Launch launch;
    launch.program = fetched_->program;
    launch.directory = shop_.places.worker(target.topology, target.number);
    launch.stdout_path = log_("stdout");
    launch.stderr_path = log_("stderr");
    launch.topology = target.topology;
    launch.number = target.number;
    launch.port = port_;
    auto confinement = shop_.isolation.confinement(fetched_->user, launch.directory,
                                                   memory_limit(*fetched_->topology));
    if (!confinement) return confinement.error();
    launch.confinement = std::move(confinement).value();
    memory_max_ = launch.confinement.memory_max;
    kernel_kills_ = kernel_kills();
    cluster::Bootstrap bootstrap = {*fetched_->topology,
                                    *assignment_,
                                    target.number,
                                    incarnation,
                                    fetched_->user ? kSocketFromFolder : shop_.places.socket(),
                                    token,
                                    shop_.nimbuses()};
    bootstrap.topology.status = assignment_->status;
    launch.bootstrap = cluster::encode(bootstrap);
    stderr_begin_ = file_size(launch.stderr_path);
    auto process = WorkerProcess::start(launch);
    if (!process) return process.error();

    process_.emplace(std::move(process).value());
    report_ = {};
    saved_.pid = process_->pid();
    saved_.start_time = process_->start_time();
    save_();
    watch_();
    base::log::info("worker started", {{"topology", target.topology},
                                       {"worker", std::int64_t{target.number}},
                                       {"port", std::int64_t{port_}},
                                       {"pid", std::int64_t{process_->pid()}},
                                       {"start", std::int64_t{slot_.starts()}}});
    return base::Done{};
}

void SlotRunner::watch_() {
    watch_exit_ = std::make_unique<ExitWatch>(shop_.io, process_->pidfd(), [this] { ended_(); });
}

void SlotRunner::ended_() {
    const Exit how = process_->reap();
    const Target target = *slot_.target();
    base::log::info("worker ended", {{"topology", target.topology},
                                     {"worker", std::int64_t{target.number}},
                                     {"pid", std::int64_t{process_->pid()}},
                                     {"how", how.text()}});
    process_.reset();
    watch_exit_.reset();
    shop_.disconnect(port_);
    saved_.running = false;
    saved_.pid = 0;
    save_();
    Ended ended;
    ended.known = how.known;
    ended.fenced = how.known && how.signal == 0 && how.code == cluster::kExitFenced;
    const std::vector<std::string> said = last_lines(log_("stderr"), stderr_begin_);
    look_at_logs_();
    const std::uint64_t ends = slot_.ends();
    // Before it is started again, which changes what log_() is.
    exit_ = how.text();
    last_stderr_ = said;
    apply_(slot_.ended(ended, shop_.loop.now()));
    if (slot_.ends() != ends) {
        const bool as_if_well = how.known && how.signal == 0 && how.code == 0;
        if (as_if_well && *slot_.last_end() == EndReason::kCrash)
            exit_ += " before it had finished, as if user code had called exit(0)";
        exit_ += why_text(*slot_.last_end());
        exit_ += limit_text_(how);
    }
    if (slot_.target() != target) {
        exit_.clear();
        last_stderr_.clear();
        report_ = {};
    }
    shop_.changed(true);
}

/// What it had too little of, as far as can be known from outside.
std::string SlotRunner::limit_text_(const Exit& how) const {
    const auto said = [this](const char* what) {
        return report_.failure.find(what) != std::string::npos ||
               std::any_of(last_stderr_.begin(), last_stderr_.end(), [what](const auto& line) {
                   return line.find(what) != std::string::npos;
               });
    };
    if (how.signal == SIGKILL && kernel_kills() > kernel_kills_) {
        return ", probably by the kernel: this host has run out of memory";
    }
    if (how.known && memory_max_ > 0 && said("bad_alloc")) {
        return ": out of memory, of which it may have " + std::to_string(memory_max_ >> 20) +
               " MiB (topology.worker.max.memory.mb)";
    }
    if (how.known && said("Resource temporarily unavailable")) {
        return ": probably it could make no more threads or processes "
               "(supervisor.worker.max.processes)";
    }
    return {};
}

void SlotRunner::tick_at_(std::optional<Micros> due) {
    if (!due || (alarm_ && *alarm_ <= *due)) return;
    alarm_ = *due;
    const Micros now = shop_.loop.now();
    shop_.loop.after(*due > now ? *due - now : 0, [this, alive = alive_, at = *due] {
        if (!*alive) return;
        if (alarm_ == at) alarm_.reset();
        tick_();
    });
}

void SlotRunner::tick_() {
    const SlotState before = slot_.state();
    apply_(slot_.tick(shop_.loop.now()));
    if (slot_.state() != before) shop_.changed(true);
}

void SlotRunner::save_() {
    saved_.finished = slot_.finished();
    const auto written = write_state(shop_.places, saved_);
    if (!written)
        base::log::error("cannot save a worker's state", {{"why", written.error().message}});
}

std::string SlotRunner::log_(const char* stream) const {
    return shop_.places.logs(saved_.topology, saved_.number) + '/' + stream;
}

void SlotRunner::look_at_logs_() {
    std::uint64_t bytes = 0;
    for (const char* const stream : {"stdout", "stderr"}) {
        const std::string path = log_(stream);
        const std::uint64_t size = file_size(path);
        bytes += size;
        if (size > kLogBytesMax / 5 * 4 && rotating_ == 0) rotate_(path);
    }
    const bool grows_fast = bytes > log_bytes_ + kFastLogBytes;
    log_bytes_ = bytes;
    if (!process_ || looks_again_ || (!grows_fast && rotating_ == 0)) return;
    looks_again_ = true;
    shop_.loop.after(kFastLogMicros, [this, alive = alive_] {
        if (!*alive) return;
        looks_again_ = false;
        look_at_logs_();
    });
}

void SlotRunner::rotate_(const std::string& path) {
    ++rotating_;
    const bool taken = shop_.files.run(
        [path] { return rotate(path, kLogBytesMax, kOldLogs); },
        [this, alive = alive_, path](const base::Result<base::Done>& done) {
            if (!*alive) return;
            --rotating_;
            log_bytes_ = 0;
            stderr_begin_ = 0;
            if (!done) base::log::warn("cannot rotate a log", {{"why", done.error().message}});
        });
    if (!taken) --rotating_;
}

cluster::WorkerState SlotRunner::state_of_worker_() const {
    switch (slot_.state()) {
        case SlotState::kWaiting:
            return slot_.in_crash_loop() ? cluster::WorkerState::kCrashLoop
                                         : cluster::WorkerState::kBackOff;
        case SlotState::kFetching:
        case SlotState::kStarting:
            return slot_.in_crash_loop() ? cluster::WorkerState::kCrashLoop
                                         : cluster::WorkerState::kStarting;
        case SlotState::kDone:
            return cluster::WorkerState::kFinished;
        case SlotState::kEmpty:
        case SlotState::kRunning:
        case SlotState::kStopping:
            break;
    }
    return report_.state;
}

std::optional<cluster::WorkerStatus> SlotRunner::status() const {
    if (!slot_.target()) return std::nullopt;
    cluster::WorkerStatus status;
    status.topology = slot_.target()->topology;
    status.number = slot_.target()->number;
    status.incarnation = slot_.incarnation();
    status.port = port_;
    status.pid = pid();
    status.restarts = slot_.starts() > 0 ? slot_.starts() - 1 : 0;
    status.last_stderr = last_stderr_;
    status.exit = exit_;
    status.report = report_;
    status.report.state = state_of_worker_();
    if (!process_) status.report.metrics_port = 0;
    return status;
}

}  // namespace storm::supervisor

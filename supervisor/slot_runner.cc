#include "supervisor/slot_runner.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "cluster/limits.h"
#include "supervisor/artifact_cache.h"
#include "supervisor/host.h"
#include "supervisor/leftovers.h"
#include "supervisor/limits.h"
#include "supervisor/logs.h"
#include "supervisor/process_table.h"
#include "supervisor/why_ended.h"

namespace storm::supervisor {
namespace {

using Kind = SlotAction::Kind;

constexpr mode_t kLogDirectoryMode = 0750;
/// Relative to a worker's folder, because its user may not reach it by its absolute path.
constexpr const char* kSocketFromFolder = "/proc/self/cwd/../../../supervisor.sock";

/// In bytes; 0: the topology sets none. Nimbus has refused values that are not numbers.
std::uint64_t memory_limit(const cluster::TopologyRecord& topology) {
    const auto setting = topology.settings.find("topology.worker.max.memory.mb");
    std::uint64_t mebibytes = 0;
    if (setting != topology.settings.end()) {
        const std::string& text = setting->second;
        std::from_chars(text.data(), text.data() + text.size(), mebibytes);
    }
    return std::min(mebibytes, kMemoryMebibytesMax) << 20;
}

/// As this Supervisor, or an earlier one, has saved it.
base::Result<History> history_of(const Places& places, const Target& target) {
    const auto saved = read_state_if_any(places, target.topology, target.number);
    if (!saved) return saved.error();
    if (!saved->has_value() || (**saved).epoch != target.epoch) return History{};
    return History{(**saved).starts, (**saved).skipped, (**saved).finished};
}

}  // namespace

/// The outcome of an attempt to start a process.
struct SlotRunner::Started {
    base::Result<WorkerProcess> process;
    std::optional<bool> port_is_taken;  ///< Nothing: the attempt did not get that far.
    std::uint64_t stderr_begin = 0;
    base::Result<base::Done> saved = base::Done{};  ///< The write of the state with the pid.
};

SlotRunner::SlotRunner(Workshop& shop, std::uint16_t port)
    : shop_(shop), port_(port), slot_(shop.times), logs_(shop.loop, shop.files) {}

SlotRunner::~SlotRunner() {
    lifetime_.end();
}

void SlotRunner::adopt(const SavedWorker& saved, WorkerProcess process) {
    STORM_CHECK(!process_ && !starting_, "a slot adopts one worker, before it starts any");
    saved_ = saved;
    saved_.pid = process.pid();
    saved_.start_time = process.start_time();
    process_.emplace(std::move(process));
    report_.state = cluster::WorkerState::kRunning;
    const std::string logs = shop_.places.logs(saved_.topology, saved_.number);
    logs_.began(logs, file_size(logs + "/stderr"));
    kernel_kills_ = kernel_kills();
    Wanted wanted;
    wanted.target = {saved.topology, saved.number, saved.epoch};
    slot_.adopt(wanted, {saved.starts, saved.skipped, saved.finished}, shop_.loop.now());
    save_();
    watch_();
    apply_({});
    base::log::info("worker adopted", {{"topology", saved_.topology},
                                       {"worker", std::int64_t{saved_.number}},
                                       {"pid", std::int64_t{saved_.pid}}});
}

void SlotRunner::want(const std::optional<Wanted>& wanted,
                      std::shared_ptr<const cluster::Assignment> assignment) {
    // The history of a new target is on disk, so it must be read first; later wishes for the same
    // target wait for that.
    const bool is_known = !wanted || slot_.target() == wanted->target;
    if (is_known) {
        asked_.reset();
        return take_(wanted, std::move(assignment), {});
    }
    const Target target = wanted->target;
    const bool is_being_read = asked_ && asked_->wanted.target == target;
    asked_ = Asked{*wanted, std::move(assignment)};
    if (!is_being_read) read_history_(target);
}

/// Until it is there, the slot does not turn to the target.
void SlotRunner::read_history_(const Target& target) {
    const auto again = [this, target] {
        shop_.loop.after(kHistoryRetry, lifetime_.guard([this, target] {
            if (asked_ && asked_->wanted.target == target) read_history_(target);
        }));
    };
    const auto read = [this, target, again](const base::Result<History>& history) {
        if (!asked_ || asked_->wanted.target != target) return;
        if (!history) {
            base::log::warn("cannot start a worker yet", {{"why", history.error().message}});
            return again();
        }
        const Asked asked = *std::exchange(asked_, std::nullopt);
        take_(asked.wanted, asked.assignment, *history);
    };
    const bool taken =
        shop_.files.run([places = shop_.places, target] { return history_of(places, target); },
                        lifetime_.guard(read));
    if (!taken) again();
}

void SlotRunner::take_(const std::optional<Wanted>& wanted,
                       std::shared_ptr<const cluster::Assignment> assignment,
                       const History& history) {
    assignment_ = std::move(assignment);
    const std::optional<Target> before = slot_.target();
    apply_(slot_.want(wanted, history, shop_.loop.now()));
    if (assignment_ && held_fetch_) fetch_(*std::exchange(held_fetch_, std::nullopt));
    // Texts about the former target must not be shown with the new one.
    if (slot_.target() != before) {
        exit_.clear();
        last_stderr_.clear();
        report_ = {};
    }
}

bool SlotRunner::recognize(const cluster::Hello& hello, pid_t pid) const {
    // Its Hello may arrive before the news of its start.
    const bool is_the_one = process_ ? process_->pid() == pid : starting_;
    return is_the_one && base::same_secret(base::sha256(hello.token), saved_.token_hash);
}

void SlotRunner::connected() {
    apply_(slot_.connected());
}

void SlotRunner::reported(cluster::WorkerReport report) {
    // User code may write in the worker's name: it cannot have an assignment that it was not sent.
    report.assignment_epoch =
        std::min(report.assignment_epoch, assignment_ ? assignment_->epoch : std::uint64_t{0});
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
    logs_.look();
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
            return signal_(SIGTERM);
        case Kind::kKill:
            base::log::warn("killing a worker", {{"topology", slot_.target()->topology},
                                                 {"worker", std::int64_t{slot_.target()->number}},
                                                 {"pid", std::int64_t{pid()}}});
            return signal_(SIGKILL);
    }
}

/// If there is no process yet, keeps the signal for the one that is being started.
void SlotRunner::signal_(int number) {
    if (process_) return process_->signal(number);
    // A signal that waits is not replaced by a weaker one.
    if (held_signal_ != SIGKILL) held_signal_ = number;
}

void SlotRunner::fetch_(std::uint64_t ticket) {
    if (!assignment_) {  // The worker was adopted, and the assignments are not known yet.
        held_fetch_ = ticket;
        return;
    }
    held_fetch_.reset();
    shop_.fetcher.fetch(
        *slot_.target(), lifetime_.guard([this, ticket](base::Result<Fetched> fetched) {
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
        }));
}

void SlotRunner::start_(std::uint64_t incarnation) {
    STORM_CHECK(!process_ && !starting_ && !clearing_, "there are never two processes in a slot");
    STORM_CHECK(fetched_ && assignment_, "a start follows at once from what was fetched");
    const Target& target = *slot_.target();
    // A new token for each start: a leftover of an earlier process cannot say Hello in its place.
    const std::string token = base::random_bytes(cluster::kSecretBytes);
    saved_ = {.topology = target.topology,
              .number = target.number,
              .port = port_,
              .epoch = target.epoch,
              .starts = slot_.starts(),
              .skipped = slot_.skipped(),
              .running = true,
              .boot = boot_id(),
              .token_hash = base::sha256(token)};
    report_ = {};
    Launch launch;
    launch.program = fetched_->program;
    launch.directory = shop_.places.worker(target.topology, target.number);
    const std::string logs = shop_.places.logs(target.topology, target.number);
    launch.stdout_path = logs + "/stdout";
    launch.stderr_path = logs + "/stderr";
    launch.topology = target.topology;
    launch.number = target.number;
    launch.port = port_;
    launch.home = shop_.home;
    auto confinement = shop_.isolation.confinement(fetched_->user, launch.directory,
                                                   memory_limit(*fetched_->topology));
    if (!confinement) return not_started_(confinement.error());
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
    // The record may be older than the assignment.
    bootstrap.topology.status = assignment_->status;
    launch.bootstrap = cluster::encode(bootstrap);
    held_signal_ = 0;
    starting_ = shop_.files.run(
        [places = shop_.places, host = shop_.host, saved = saved_,
         what = std::make_shared<const Launch>(std::move(launch))] {
            return try_to_start_(places, host, saved, *what);
        },
        lifetime_.guard([this](Started started) { started_(std::move(started)); }));
    if (!starting_) not_started_({"too many jobs are waiting"});
}

SlotRunner::Started SlotRunner::try_to_start_(const Places& places, const std::string& host,
                                              SavedWorker saved, const Launch& launch) {
    // The count is written first: whatever happens from here on, this incarnation is used up.
    const auto written = write_state(places, saved);
    if (!written) return {written.error(), {}, 0};
    const auto free = try_port(host, launch.port);
    if (!free) return {free.error(), true, 0};
    const auto made =
        base::make_directory(places.logs(saved.topology, saved.number), kLogDirectoryMode);
    if (!made) return {made.error(), false, 0};
    const std::uint64_t stderr_begin = file_size(launch.stderr_path);
    auto process = WorkerProcess::start(launch);
    if (!process) return {process.error(), false, stderr_begin};
    saved.pid = process->pid();
    saved.start_time = process->start_time();
    auto again = write_state(places, saved);
    return {std::move(process), false, stderr_begin, std::move(again)};
}

void SlotRunner::started_(Started started) {
    STORM_CHECK(starting_ && !process_, "this is the end of the one start under way");
    starting_ = false;
    if (started.port_is_taken) shop_.port_taken(port_, *started.port_is_taken);
    if (!started.process) return not_started_(started.process.error());
    process_.emplace(std::move(started.process).value());
    logs_.began(shop_.places.logs(saved_.topology, saved_.number), started.stderr_begin);
    saved_.pid = process_->pid();
    saved_.start_time = process_->start_time();
    saved_once_(started.saved);
    watch_();
    base::log::info("worker started", {{"topology", saved_.topology},
                                       {"worker", std::int64_t{saved_.number}},
                                       {"port", std::int64_t{port_}},
                                       {"pid", std::int64_t{process_->pid()}},
                                       {"start", std::int64_t{saved_.starts}}});
    // It was told to end before it was there.
    if (held_signal_ != 0) process_->signal(std::exchange(held_signal_, 0));
    shop_.changed(true);
}

void SlotRunner::not_started_(const base::Error& why) {
    base::log::error("cannot start a worker",
                     {{"port", std::int64_t{port_}}, {"why", why.message}});
    report_.failure = "cannot start it: " + why.message;
    exit_ = "not started";
    saved_.running = false;
    // Before the slot hears of it, which may start the next one: errands are done in this order.
    save_();
    const Micros now = shop_.loop.now();
    // It may have been told to end while it was being started.
    const bool was_stopped = slot_.state() == SlotState::kStopping;
    apply_(was_stopped ? slot_.ended({}, now) : slot_.start_failed(now));
    shop_.changed(true);
}

void SlotRunner::watch_() {
    watch_exit_ = std::make_unique<ExitWatch>(shop_.io, process_->pidfd(), [this] { ended_(); });
}

void SlotRunner::ended_() {
    STORM_CHECK(process_ && !clearing_ && slot_.has_process(), "a process ends once");
    const Exit how = process_->reap();
    const Target target = *slot_.target();
    base::log::info("worker ended", {{"topology", target.topology},
                                     {"worker", std::int64_t{target.number}},
                                     {"pid", std::int64_t{process_->pid()}},
                                     {"how", how.text()}});
    const WorkerMarks marks = {target.topology, target.number, port_, process_->pid(),
                               process_->start_time()};
    watch_exit_.reset();
    logs_.ended();
    process_.reset();
    // Its last messages must not be taken for its successor's.
    shop_.disconnect(port_);
    clearing_ = true;
    shop_.changed(true);
    // Before its successor starts: leftovers may hold its ports.
    const bool taken = shop_.files.run(
        [marks, others = shop_.others(port_), places = shop_.places,
         path = shop_.places.logs(marks.topology, marks.number) + "/stderr",
         begin = logs_.stderr_begin()] {
            end_leftovers(places, marks, others);
            return last_lines(path, begin);
        },
        lifetime_.guard(
            [this, how](std::vector<std::string> said) { gone_(how, std::move(said)); }));
    if (!taken) gone_(how, {});
}

/// The process and all of its leftovers are gone.
void SlotRunner::gone_(const Exit& how, std::vector<std::string> said) {
    STORM_CHECK(clearing_ && !process_, "leftovers are searched once, after the process");
    clearing_ = false;
    // Not sooner: if this process had ended in between, the next one would not look for leftovers.
    saved_.running = false;
    saved_.pid = 0;
    save_();
    const Target target = *slot_.target();
    Ended ended;
    ended.known = how.known;
    ended.fenced = how.known && how.signal == 0 && how.code == cluster::kExitFenced;
    logs_.look();
    // An end that the slot does not count was wanted, or came when all was done: it needs no
    // reason.
    const std::uint64_t ends = slot_.ends();
    // Before the restart, which begins a new report.
    Symptoms symptoms = {.exit = how,
                         .reason = EndReason::kCrash,
                         .failure = report_.failure,
                         .last_stderr = said,
                         .memory_max = memory_max_,
                         .kernel_has_killed = kernel_kills() > kernel_kills_};
    exit_ = how.text();
    last_stderr_ = std::move(said);
    apply_(slot_.ended(ended, shop_.loop.now()));
    if (slot_.ends() != ends) {
        symptoms.reason = *slot_.last_end();
        exit_ = why_ended(symptoms);
    }
    if (slot_.target() != target) {
        exit_.clear();
        last_stderr_.clear();
        report_ = {};
    }
    shop_.changed(true);
}

void SlotRunner::tick_at_(std::optional<Micros> due) {
    // An alarm that is too early does no harm: the slot looks at the time, and tells the next one.
    if (!due || (alarm_ && *alarm_ <= *due)) return;
    alarm_ = *due;
    const Micros now = shop_.loop.now();
    shop_.loop.after(*due > now ? *due - now : 0, lifetime_.guard([this, at = *due] {
        if (alarm_ == at) alarm_.reset();
        tick_();
    }));
}

void SlotRunner::tick_() {
    // There is nothing that could be late; gone_() goes on.
    if (clearing_) return;
    const SlotState before = slot_.state();
    apply_(slot_.tick(shop_.loop.now()));
    if (slot_.state() != before) shop_.changed(true);
}

void SlotRunner::save_() {
    saved_.finished = slot_.finished();
    const bool taken = shop_.files.run(
        [places = shop_.places, saved = saved_] { return write_state(places, saved); },
        lifetime_.guard([this](const base::Result<base::Done>& written) { saved_once_(written); }));
    if (!taken) saved_once_(base::Error{"too many jobs are waiting"});
}

void SlotRunner::saved_once_(const base::Result<base::Done>& written) {
    if (written) {
        unsaved_ = false;
        return;
    }
    if (std::exchange(unsaved_, true)) return;  // Already logged, and being retried.
    base::log::error("cannot save a worker's state, trying again",
                     {{"why", written.error().message}});
    save_later_();
}

void SlotRunner::save_later_() {
    shop_.loop.after(kSaveRetryMicros, lifetime_.guard([this] {
        if (!unsaved_) return;
        save_();
        save_later_();
    }));
}

/// Also while it is being started, when its pid is not known: its user is, and spares what may be
/// its own.
std::optional<OtherWorker> SlotRunner::worker() const {
    if (!process_ && !starting_) return std::nullopt;
    return OtherWorker{saved_.topology, pid()};
}

std::optional<cluster::WorkerStatus> SlotRunner::status() const {
    if (!slot_.target()) return std::nullopt;
    cluster::WorkerStatus status;
    status.topology = slot_.target()->topology;
    status.number = slot_.target()->number;
    status.incarnation = slot_.incarnation();
    status.port = port_;
    status.pid = pid();
    // Skipped numbers were never started, and the first start is not a restart.
    status.restarts = slot_.starts() > 0 ? slot_.starts() - 1 - slot_.skipped() : 0;
    status.last_stderr = last_stderr_;
    status.exit = exit_;
    status.report = report_;
    status.report.state = slot_.shown(report_.state, clearing_);
    if (!process_) status.report.metrics_port = 0;
    return status;
}

}  // namespace storm::supervisor

#include "nimbus/topology_store/report_book.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/crash.h"
#include "cluster/limits.h"
#include "cluster/names.h"
#include "net/address.h"

namespace storm::nimbus {
namespace {

using cluster::ComponentReport;
using cluster::WorkerStatus;

std::uint64_t epoch_of(std::uint64_t incarnation) {
    return incarnation >> 32U;
}

void add(ComponentTotals& sum, const ComponentReport& report) {
    sum.emitted += report.emitted;
    sum.transferred += report.transferred;
    sum.executed += report.executed;
    sum.acked += report.acked;
    sum.failed += report.failed;
    sum.errors += report.errors;
    // Tuples that a former life had not replayed may have been replayed by the spout's next life.
    sum.losses += {report.losses.dropped, report.losses.inputs, report.losses.emits, 0};
    if (sum.complete_latency.size() < report.complete_latency.size()) {
        sum.complete_latency.resize(report.complete_latency.size(), 0);
    }
    for (std::size_t i = 0; i < report.complete_latency.size(); ++i) {
        sum.complete_latency[i] += report.complete_latency[i];
    }
}

/// Adds values that only hold for the present worker.
void add_present(ComponentTotals& sum, const ComponentReport& report) {
    sum.statuses.insert(sum.statuses.end(), report.statuses.begin(), report.statuses.end());
    if (report.opening_secs > sum.opening_secs) {
        sum.opening_secs = report.opening_secs;
        sum.opening_task = report.opening_task;
    }
}

void add(ComponentTotals& sum, const ComponentTotals& former) {
    ComponentReport as_report;
    as_report.emitted = former.emitted;
    as_report.transferred = former.transferred;
    as_report.executed = former.executed;
    as_report.acked = former.acked;
    as_report.failed = former.failed;
    as_report.errors = former.errors;
    as_report.losses = former.losses;
    as_report.complete_latency = former.complete_latency;
    add(sum, as_report);
}

}  // namespace

/// Bucket i ends at 2^i us, twice the end of the one before. Within it values are taken to be
/// spread evenly, so the result is wrong by a factor of two at most.
std::optional<double> quantile_us(const std::vector<std::uint64_t>& buckets, double q) {
    std::uint64_t count = 0;
    for (const std::uint64_t in_bucket : buckets) count += in_bucket;
    if (count == 0) return std::nullopt;
    const double rank = q * static_cast<double>(count);
    double below = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        const auto here = static_cast<double>(buckets[i]);
        if (here > 0 && below + here >= rank) {
            const double upper = std::exp2(static_cast<double>(i));
            const double lower = i == 0 ? 0.0 : upper / 2;
            return lower + (upper - lower) * (rank - below) / here;
        }
        below += here;
    }
    return std::exp2(static_cast<double>(buckets.size() - 1));
}

namespace {

/// Whether the Supervisor did not know yet that the topology is to end: else it starts nothing.
bool will_be_started(cluster::WorkerState state) {
    return state == cluster::WorkerState::kStarting || state == cluster::WorkerState::kBackOff ||
           state == cluster::WorkerState::kCrashLoop;
}

/// The last line that was logged as an error, or else the last line. None for a process that was
/// killed: it did not know why.
const std::string* telling_line(const WorkerStatus& worker) {
    const std::vector<std::string>& lines = worker.last_stderr;
    if (lines.empty() || worker.exit.starts_with(cluster::kKilledBy)) return nullptr;
    const auto error = std::find_if(lines.rbegin(), lines.rend(), [](const std::string& line) {
        return line.find(" error ") != std::string::npos;
    });
    return error == lines.rend() ? &lines.back() : &*error;
}

/// A line of a log without its time, so that equal ones are counted as one error.
std::string_view without_time(std::string_view line) {
    constexpr std::string_view kLike = "0000-00-00T00:00:00.000 ";
    if (line.size() < kLike.size()) return line;
    for (std::size_t i = 0; i < kLike.size(); ++i) {
        const bool digit = line[i] >= '0' && line[i] <= '9';
        if (kLike[i] == '0' ? !digit : line[i] != kLike[i]) return line;
    }
    return line.substr(kLike.size());
}

/// A crash, as reported by base/crash.h.
struct Crash {
    std::string component;  // Empty: the code of no component ran.
    std::uint32_t task = 0;
    std::string text;
};

/// User code writes to the same stderr: an id that cannot be one is not believed, and Topologies
/// drops what the topology does not have (keep_own()).
void find_task(Crash& crash) {
    const std::string before = std::string(base::kCrashCodeOf) + '"';
    const std::string behind = '"' + std::string(base::kCrashTask);
    const std::size_t of = crash.text.find(before);
    const std::size_t task = crash.text.rfind(behind);
    if (of == std::string::npos || task == std::string::npos || task < of + before.size()) return;
    const std::string id = crash.text.substr(of + before.size(), task - of - before.size());
    if (!cluster::is_name(id, cluster::kIdBytesMax)) return;
    crash.component = id;
    const char* const digits = crash.text.data() + task + behind.size();
    std::from_chars(digits, crash.text.data() + crash.text.size(), crash.task);
}

std::optional<Crash> crash_in(const std::vector<std::string>& lines) {
    const std::string first_words =
        std::string(base::kCrashError) + std::string(base::kCrashBySignal);
    constexpr std::ptrdiff_t kWhyLines = 2;  // Such as "terminate called …".
    const auto head = std::find_if(
        lines.rbegin(), lines.rend(),
        [&first_words](const std::string& line) { return line.starts_with(first_words); });
    if (head == lines.rend()) return std::nullopt;
    Crash crash;
    crash.text = head->substr(base::kCrashError.size());
    find_task(crash);
    const auto first = head.base() - 1;
    for (auto line = first - std::min<std::ptrdiff_t>(first - lines.begin(), kWhyLines);
         line != first; ++line) {
        const bool is_of_log = !line->empty() && line->front() >= '0' && line->front() <= '9';
        if (!is_of_log) crash.text += '\n' + *line;
    }
    for (auto line = head.base(); line != lines.end(); ++line) {
        if (line->starts_with("    #")) crash.text += '\n' + line->substr(4);
    }
    return crash;
}

/// The error for the end of a worker's process.
cluster::TopologyError end_of(const WorkerStatus& worker, const std::string& host,
                              std::int64_t now_ms) {
    cluster::TopologyError error;
    error.time_ms = now_ms;
    error.error = "worker " + std::to_string(worker.number) + " on " +
                  net::to_string({host, worker.port}) + " ended: " + worker.exit;
    if (auto crash = crash_in(worker.last_stderr)) {
        error.error += "; it said: " + crash->text;
        error.component = std::move(crash->component);
        error.task = crash->task;
    } else if (const std::string* const line = telling_line(worker)) {
        error.error.append("; it said: ").append(without_time(*line));
    }
    return error;
}

/// Adds errors that are new since the last report of the same process. `before`: that report; null:
/// none.
void note_errors(const WorkerStatus& worker, const ComponentReport& component,
                 const ComponentReport* before, std::int64_t now_ms, ReportBook::News& news) {
    const auto& errors = component.last_errors;
    const auto add = [&](const cluster::ReportedError& error, std::uint64_t count) {
        if (count == 0) return;
        news.push_back({worker.topology, {component.id, error.text, now_ms, count, 0, error.task}});
    };
    const bool counted = std::all_of(errors.begin(), errors.end(),
                                     [](const auto& error) { return error.count > 0; });
    if (!counted) {
        // An older worker reports each error, but only the last texts; as many of them are new as
        // the counter has grown by.
        const std::uint64_t known = before == nullptr ? 0 : before->errors;
        const std::uint64_t fresh = component.errors - std::min(known, component.errors);
        const auto count = std::min<std::uint64_t>(fresh, errors.size());
        std::for_each(errors.end() - static_cast<std::ptrdiff_t>(count), errors.end(),
                      [&](const auto& error) { add(error, 1); });
        return;
    }
    for (const cluster::ReportedError& error : errors) {
        std::uint64_t known = 0;
        if (before != nullptr) {
            for (const cluster::ReportedError& each : before->last_errors)
                if (each.text == error.text) known = each.count;
        }
        // The worker may have dropped the entry, and counted anew.
        add(error, error.count < known ? error.count : error.count - known);
    }
}

}  // namespace

ReportBook::News ReportBook::take(cluster::SupervisorReport report, base::Micros now,
                                  std::int64_t now_ms) {
    News news;
    for (const WorkerStatus& worker : report.workers) {
        note_worker_(worker, report.host, now_ms, news);
    }
    const std::string id = report.supervisor;
    heard_[id] = now;
    reports_.insert_or_assign(id, std::move(report));
    STORM_CHECK(heard_.size() == reports_.size(), "each report has its time");
    return news;
}

void ReportBook::note_losses_(const WorkerStatus& worker, std::int64_t now_ms, News& news) {
    for (const ComponentReport& component : worker.report.components) {
        for (const cluster::LossText& loss : cluster::loss_texts(component.id, component.losses)) {
            news.push_back({worker.topology, {component.id, "finished, but " + loss.what, now_ms}});
        }
    }
}

void ReportBook::note_failure_(const WorkerStatus& worker, const std::string& host,
                               std::int64_t now_ms, Former& former, News& news) {
    const std::string& failure = worker.report.failure;
    const cluster::WorkerState state = worker.report.state;
    if (state == cluster::WorkerState::kFinished) return;  // See note_losses_().
    if (failure.empty()) {
        if (state == cluster::WorkerState::kRunning) former.failure.clear();
        return;
    }
    const bool is_told = failure == former.failure;
    former.failure = failure;
    // A worker that fails also ends; its end is reported with its last words.
    if (is_told || state == cluster::WorkerState::kFailed) return;
    news.push_back({worker.topology,
                    {"",
                     "worker " + std::to_string(worker.number) + " on " +
                         net::to_string({host, worker.port}) + ": " + failure,
                     now_ms}});
}

void ReportBook::note_worker_(const WorkerStatus& worker, const std::string& host,
                              std::int64_t now_ms, News& news) {
    const auto [at, is_new] = workers_.try_emplace({worker.topology, worker.number});
    Former& former = at->second;
    // A Supervisor that was stopped may report a worker that has moved since.
    if (!is_new && worker.incarnation < former.incarnation) return;
    const bool replaced = worker.incarnation != former.incarnation;
    if (replaced) {
        // The counts of a new process begin at 0. Those of the last one move to `before` once, with
        // the first report of its successor; added at each report they would grow by themselves.
        for (const ComponentReport& last : former.last) add(former.before[last.id], last);
        former.last.clear();
        former.finished = false;
    }
    if (worker.report.state == cluster::WorkerState::kFinished && !former.finished) {
        former.finished = true;
        note_losses_(worker, now_ms, news);
    }
    // Compared before `former.last` is replaced below: what is new is what the last report of this
    // process lacked.
    for (const ComponentReport& component : worker.report.components) {
        const auto before =
            std::find_if(former.last.begin(), former.last.end(),
                         [&](const ComponentReport& last) { return last.id == component.id; });
        note_errors(worker, component, before == former.last.end() ? nullptr : &*before, now_ms,
                    news);
    }
    // Not for a worker that is new here: its last end was told to the leader before this one.
    if (!is_new && worker.restarts > former.restarts && !worker.exit.empty()) {
        news.emplace_back(worker.topology, end_of(worker, host, now_ms));
    }
    note_failure_(worker, host, now_ms, former, news);
    former.incarnation = worker.incarnation;
    former.restarts = worker.restarts;
    // Between two processes a Supervisor has no counts to report; the last ones stay.
    if (!worker.report.components.empty()) former.last = worker.report.components;
}

std::optional<base::Micros> ReportBook::heard(const std::string& supervisor) const {
    const auto at = heard_.find(supervisor);
    if (at == heard_.end()) return std::nullopt;
    return at->second;
}

void ReportBook::forget_supervisor_(const std::string& supervisor) {
    // Not what its workers have counted: those totals are the topologies', which outlive it.
    reports_.erase(supervisor);
    heard_.erase(supervisor);
}

void ReportBook::forget_topology(const std::string& topology) {
    const auto first = workers_.lower_bound({topology, 0});
    auto last = first;
    while (last != workers_.end() && last->first.first == topology) ++last;
    workers_.erase(first, last);
}

void ReportBook::forget_unreplayed(const std::string& topology) {
    for (auto at = workers_.lower_bound({topology, 0});
         at != workers_.end() && at->first.first == topology; ++at) {
        for (ComponentReport& last : at->second.last) last.losses.unreplayed = 0;
    }
}

/// Found by the epoch of the slot, not by the whole incarnation: a restart in the same slot is the
/// same worker, one in the same slot of another assignment is not.
const WorkerStatus* ReportBook::worker(const std::string& topology,
                                       const cluster::WorkerSlot& slot) const {
    const auto report = reports_.find(slot.supervisor);
    if (report == reports_.end()) return nullptr;
    for (const WorkerStatus& worker : report->second.workers) {
        if (worker.topology == topology && worker.number == slot.number &&
            epoch_of(worker.incarnation) == slot.epoch) {
            return &worker;
        }
    }
    return nullptr;
}

/// Counts belong to a worker's number, and go on wherever it moves. Everything that can only be
/// true of a live process comes from the slots of the assignment, so that one which runs on beside
/// its successor is not counted twice.
std::map<std::string, ComponentTotals> ReportBook::totals(
    const cluster::Assignment& assignment) const {
    std::map<std::string, ComponentTotals> totals;
    for (auto at = workers_.lower_bound({assignment.topology, 0});
         at != workers_.end() && at->first.first == assignment.topology; ++at) {
        for (const auto& [id, before] : at->second.before) add(totals[id], before);
        for (const ComponentReport& last : at->second.last) {
            ComponentTotals& sum = totals[last.id];
            add(sum, last);
            // Its worker is gone, so nothing will be emitted again.
            if (at->second.finished) sum.losses.unreplayed += last.losses.unreplayed;
        }
    }
    for (const cluster::WorkerSlot& slot : assignment.workers) {
        const WorkerStatus* const now = worker(assignment.topology, slot);
        if (now == nullptr) continue;
        for (const ComponentReport& component : now->report.components) {
            totals[component.id].pending += component.pending;
            totals[component.id].kept += component.kept;
            add_present(totals[component.id], component);
            if (now->report.state != cluster::WorkerState::kFinished)
                totals[component.id].losses.unreplayed += component.losses.unreplayed;
        }
    }
    return totals;
}

bool ReportBook::may_have_process(const std::string& topology, const cluster::WorkerSlot& slot,
                                  base::Micros noticed) const {
    const auto report = reports_.find(slot.supervisor);
    if (report == reports_.end()) return true;  // No report yet.
    // Any process of it, whatever its number and epoch: one that the assignment no longer has may
    // be on its way out.
    for (const WorkerStatus& worker : report->second.workers) {
        if (worker.topology != topology) continue;
        if (worker.pid != 0 || will_be_started(worker.report.state)) return true;
    }
    if (heard_.at(slot.supervisor) >= noticed) return false;
    const auto told = workers_.find({topology, slot.number});
    return told == workers_.end() || epoch_of(told->second.incarnation) < slot.epoch;
}

bool ReportBook::all_finished(const cluster::Assignment& assignment) const {
    // An assignment without workers has not been placed yet, which is not an end.
    return !assignment.workers.empty() &&
           std::all_of(assignment.workers.begin(), assignment.workers.end(),
                       [&](const cluster::WorkerSlot& slot) {
                           const WorkerStatus* const found = worker(assignment.topology, slot);
                           return found != nullptr &&
                                  found->report.state == cluster::WorkerState::kFinished;
                       });
}

}  // namespace storm::nimbus

#include "cluster/reports.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "cluster/json_fields.h"
#include "cluster/limits.h"
#include "cluster/names.h"

namespace storm::cluster {
namespace {

using Json = nlohmann::json;

constexpr std::array kStates = {WorkerState::kStarting, WorkerState::kRunning,
                                WorkerState::kFinished, WorkerState::kFailed,
                                WorkerState::kBackOff,  WorkerState::kCrashLoop};

constexpr std::array kHolders = {LeaseHolder::kSupervisor, LeaseHolder::kNimbus,
                                 LeaseHolder::kNobody};

Json json_of(const ComponentReport& report) {
    // Side by side, since older versions have the texts alone.
    Json errors = Json::array(), counts = Json::array(), tasks = Json::array();
    for (const ReportedError& error : report.last_errors) {
        errors.push_back(error.text);
        counts.push_back(error.count);
        tasks.push_back(error.task);
    }
    Json statuses = Json::array();
    for (const TaskStatus& status : report.statuses) {
        statuses.push_back({{"task", status.task}, {"text", status.text}});
    }
    return {{"id", report.id},
            {"emitted", report.emitted},
            {"transferred", report.transferred},
            {"executed", report.executed},
            {"acked", report.acked},
            {"failed", report.failed},
            {"pending", report.pending},
            {"errors", report.errors},
            {"kept", report.kept},
            {"dropped", report.losses.dropped},
            {"lost_inputs", report.losses.inputs},
            {"lost_emits", report.losses.emits},
            {"unreplayed", report.losses.unreplayed},
            {"complete_latency", report.complete_latency},
            {"last_errors", std::move(errors)},
            {"error_counts", std::move(counts)},
            {"error_tasks", std::move(tasks)},
            {"statuses", std::move(statuses)},
            {"opening_task", report.opening_task},
            {"opening_secs", report.opening_secs}};
}

Json json_of(const WorkerReport& report) {
    Json components = Json::array();
    for (const ComponentReport& component : report.components) {
        components.push_back(json_of(component));
    }
    return {{"assignment_epoch", report.assignment_epoch},
            {"state", to_string(report.state)},
            {"lease", to_string(report.lease)},
            {"metrics_port", report.metrics_port},
            {"failure", report.failure},
            {"components", std::move(components)}};
}

Json json_of(const WorkerStatus& worker) {
    return {{"topology", worker.topology},
            {"number", worker.number},
            {"incarnation", worker.incarnation},
            {"port", worker.port},
            {"pid", worker.pid},
            {"restarts", worker.restarts},
            {"last_stderr", worker.last_stderr},
            {"exit", worker.exit},
            {"report", json_of(worker.report)}};
}

/// Members that are missing are 0: Supervisors of other versions report to one Nimbus while they
/// are upgraded, one after the other.
ComponentReport read_component(const JsonFields& json) {
    ComponentReport report;
    report.id = json.text("id");
    report.emitted = json.number_or_zero<std::uint64_t>("emitted");
    report.transferred = json.number_or_zero<std::uint64_t>("transferred");
    report.executed = json.number_or_zero<std::uint64_t>("executed");
    report.acked = json.number_or_zero<std::uint64_t>("acked");
    report.failed = json.number_or_zero<std::uint64_t>("failed");
    report.pending = json.number_or_zero<std::uint64_t>("pending");
    report.errors = json.number_or_zero<std::uint64_t>("errors");
    report.kept = json.number_or_zero<std::uint64_t>("kept");
    report.losses = {.dropped = json.number_or_zero<std::uint64_t>("dropped"),
                     .inputs = json.number_or_zero<std::uint64_t>("lost_inputs"),
                     .emits = json.number_or_zero<std::uint64_t>("lost_emits"),
                     .unreplayed = json.number_or_zero<std::uint64_t>("unreplayed")};
    report.complete_latency = json.numbers<std::uint64_t>("complete_latency");
    const auto counts = json.numbers<std::uint64_t>("error_counts");  // None, of an older version.
    const auto tasks = json.numbers<std::uint32_t>("error_tasks");
    for (std::string& error : json.texts("last_errors")) {
        const std::size_t i = report.last_errors.size();
        report.last_errors.push_back(
            {std::move(error), i < counts.size() ? counts[i] : 0, i < tasks.size() ? tasks[i] : 0});
    }
    json.objects_if_any("statuses", [&](const JsonFields& status) {
        report.statuses.push_back({status.number<std::uint32_t>("task"), status.text("text")});
    });
    report.opening_task = json.number_or_zero<std::uint32_t>("opening_task");
    report.opening_secs = json.number_or_zero<std::uint32_t>("opening_secs");
    if (!is_name(report.id, kIdBytesMax)) json.mistake("id", "is not a component's id");
    if (report.complete_latency.size() > kLatencyBucketsMax) {
        json.mistake("complete_latency", "is too long");
    }
    if (report.last_errors.size() > kReportErrorsMax) json.mistake("last_errors", "is too long");
    if (report.statuses.size() > kStatusesMax) json.mistake("statuses", "is too long");
    return report;
}

WorkerReport read_report(const JsonFields& json) {
    WorkerReport report;
    report.assignment_epoch = json.number_or_zero<std::uint64_t>("assignment_epoch");
    const std::string name = json.text("state");
    const auto* const state = std::find_if(
        kStates.begin(), kStates.end(), [&](WorkerState each) { return to_string(each) == name; });
    if (state == kStates.end()) {
        json.mistake("state", "is not a worker's state");
    } else {
        report.state = *state;
    }
    const std::string lease = json.text_or_empty("lease");
    const auto* const holder =
        std::find_if(kHolders.begin(), kHolders.end(),
                     [&](LeaseHolder each) { return to_string(each) == lease; });
    // An unknown one is only shown, so it refuses nothing.
    if (holder != kHolders.end()) report.lease = *holder;
    report.metrics_port = json.number_or_zero<std::uint16_t>("metrics_port");
    report.failure = json.text_or_empty("failure");
    json.objects("components", [&](const JsonFields& component) {
        report.components.push_back(read_component(component));
    });
    return report;
}

/// Only form and size are checked. Whether there is such a topology, worker or component Nimbus
/// sees by its own records.
WorkerStatus read_worker(const JsonFields& json) {
    WorkerStatus worker;
    worker.topology = json.text("topology");
    worker.number = json.number<std::uint32_t>("number");
    worker.incarnation = json.number<std::uint64_t>("incarnation");
    worker.port = json.number<std::uint16_t>("port");
    worker.pid = json.number_or_zero<std::int32_t>("pid");
    worker.restarts = json.number_or_zero<std::uint32_t>("restarts");
    worker.last_stderr = json.texts("last_stderr");
    worker.exit = json.text_or_empty("exit");
    worker.report = read_report(json.object("report"));
    if (!is_name(worker.topology, kIdBytesMax)) json.mistake("topology", "is not a topology's id");
    if (worker.number >= kWorkersMax) json.mistake("number", "is too large");
    if (worker.pid < 0) json.mistake("pid", "is negative");
    if (worker.last_stderr.size() > kStderrLinesMax) json.mistake("last_stderr", "is too long");
    return worker;
}

}  // namespace

std::string_view to_string(LeaseHolder holder) {
    switch (holder) {
        case LeaseHolder::kUnknown:
            return "";
        case LeaseHolder::kSupervisor:
            return "supervisor";
        case LeaseHolder::kNimbus:
            return "nimbus";
        case LeaseHolder::kNobody:
            return "nobody";
    }
    return "";
}

std::string_view to_string(WorkerState state) {
    switch (state) {
        case WorkerState::kStarting:
            return "STARTING";
        case WorkerState::kRunning:
            return "RUNNING";
        case WorkerState::kFinished:
            return "FINISHED";
        case WorkerState::kFailed:
            return "FAILED";
        case WorkerState::kBackOff:
            return "BACK_OFF";
        case WorkerState::kCrashLoop:
            return "CRASH_LOOP";
    }
    return "UNKNOWN";
}

void clear_texts(WorkerReport& report) {
    for (ComponentReport& component : report.components) {
        component.last_errors.clear();
        component.statuses.clear();
    }
}

std::string to_json(const SupervisorReport& report) {
    Json workers = Json::array();
    for (const WorkerStatus& worker : report.workers) workers.push_back(json_of(worker));
    const Json json = {{"supervisor", report.supervisor},
                       {"host", report.host},
                       {"http_port", report.http_port},
                       {"workers", std::move(workers)}};
    // The output and exceptions of user code may not be UTF-8.
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

base::Result<SupervisorReport> supervisor_report(std::string_view json) {
    const Json parsed = Json::parse(json, nullptr, false);
    if (parsed.is_discarded()) {
        return base::Error{"cannot read a supervisor's report: it is not JSON"};
    }
    JsonMistake mistake;
    const JsonFields fields(parsed, "", mistake);
    SupervisorReport report;
    report.supervisor = fields.text("supervisor");
    report.host = fields.text("host");
    report.http_port = fields.number<std::uint16_t>("http_port");
    fields.objects("workers", [&](const JsonFields& worker) {
        report.workers.push_back(read_worker(worker));
    });
    if (!is_id(report.supervisor)) fields.mistake("supervisor", "is not a supervisor's id");
    if (!is_id(report.host)) fields.mistake("host", "is not a host");
    if (mistake.text().empty()) return report;
    return base::Error{"cannot read a supervisor's report: " + mistake.text()};
}

}  // namespace storm::cluster

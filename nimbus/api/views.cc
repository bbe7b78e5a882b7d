#include "nimbus/api/views.h"

#include <algorithm>
#include <cmath>

#include <storm/config.h>
#include <storm/detail/secrets.h>

#include <nlohmann/json.hpp>

#include "cluster/description.h"
#include "cluster/seal.h"
#include "net/address.h"
#include "nimbus/limits.h"

namespace storm::nimbus {
namespace {

using Json = nlohmann::ordered_json;
using cluster::WorkerSlot;
using cluster::WorkerState;
using cluster::WorkerStatus;

/// The text of users may not be UTF-8.
std::string text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::int64_t secs_since(std::int64_t then_ms, std::int64_t now_ms) {
    return std::max<std::int64_t>(0, (now_ms - then_ms) / 1000);
}

Json latency_json(const std::vector<std::uint64_t>& buckets) {
    Json json = Json::object();
    for (const auto& [name, q] :
         {std::pair("p50", 0.5), std::pair("p99", 0.99), std::pair("p999", 0.999)}) {
        const auto us = quantile_us(buckets, q);
        if (!us) return nullptr;
        json[name] = static_cast<std::int64_t>(std::llround(*us));
    }
    return json;
}

/// Status texts of the tasks, from workers that are present.
Json statuses_json(const ComponentTotals& totals) {
    Json json = Json::array();
    for (const cluster::TaskStatus& status : totals.statuses) {
        json.push_back({{"task", status.task}, {"text", status.text}});
    }
    return json;
}

Json component_json(const cluster::DescribedComponent& component, const ComponentTotals& totals,
                    net::Access access) {
    Json json = {{"id", component.id},
                 {"type", component.is_spout ? "spout" : "bolt"},
                 {"executors", component.executors},
                 {"tasks", component.tasks},
                 {"emitted", totals.emitted},
                 {"transferred", totals.transferred},
                 {"executed", totals.executed},
                 {"acked", totals.acked},
                 {"failed", totals.failed},
                 {"pending", totals.pending},
                 {"errors", totals.errors},
                 {"kept", totals.kept},
                 {"dropped", totals.losses.dropped},
                 {"lost_inputs", totals.losses.inputs},
                 {"lost_emits", totals.losses.emits},
                 {"unreplayed", totals.losses.unreplayed},
                 {"complete_latency_us",
                  component.is_spout ? latency_json(totals.complete_latency) : Json()}};
    if (access != net::Access::kOpen) json["statuses"] = statuses_json(totals);
    return json;
}

Json components_json(const cluster::Description& description, const TopologyView& view,
                     const Topologies& topologies, net::Access access) {
    const auto totals = topologies.book().totals(view.assignment);
    Json json = Json::array();
    for (const cluster::DescribedComponent& component : description.components) {
        const auto at = totals.find(component.id);
        json.push_back(
            component_json(component, at == totals.end() ? ComponentTotals{} : at->second, access));
    }
    return json;
}

/// Tuples that did not go through. A spout of a running topology may still emit failed ones again.
Json losses_json(const cluster::Description& description, const TopologyView& view,
                 const Topologies& topologies) {
    const bool over = view.record.status == cluster::Status::kFinished;
    const auto totals = topologies.book().totals(view.assignment);
    Json json = Json::array();
    for (const cluster::DescribedComponent& component : description.components) {
        const auto at = totals.find(component.id);
        if (at == totals.end()) continue;
        cluster::Losses losses = at->second.losses;
        if (!over) losses.unreplayed = 0;
        for (const cluster::LossText& loss : cluster::loss_texts(component.id, losses)) {
            json.push_back({{"component", component.id}, {"what", loss.what}, {"hint", loss.hint}});
        }
    }
    return json;
}

std::string url(const std::string& host, std::uint16_t port, const std::string& path) {
    return "http://" + net::to_string({host, port}) + path;
}

constexpr const char* kUnheard =
    "its Supervisor is connected but has not reported: see its log; perhaps it lacks "
    "Nimbus' token (storm.token.file)";

std::uint16_t http_port_of(const std::string& supervisor, const Topologies& topologies) {
    const auto live = topologies.supervisors().find(supervisor);
    return live == topologies.supervisors().end() ? std::uint16_t{0} : live->second.http_port;
}

bool is_storms(const std::string& key) {
    const auto known = known_settings();
    return std::any_of(known.begin(), known.end(),
                       [&key](const Setting& setting) { return setting.key == key; });
}

Json settings_json(const std::map<std::string, std::string>& settings, net::Access access) {
    const detail::Secrets secrets(settings);
    Json json = Json::object();
    for (const auto& [key, value] : settings) {
        if (access == net::Access::kOpen && !is_storms(key)) continue;
        // Hidden from everybody: nothing here needs a sealed value, and the rule that knows secrets
        // by their values cannot see into it.
        json[key] = value.starts_with(cluster::kSealMark) ? std::string(detail::kHidden)
                                                          : secrets.shown(key, value);
    }
    return json;
}

/// A worker that cannot report to its Supervisor may still be in contact: it asks Nimbus instead.
Json lease_of(const WorkerSlot& slot, const std::string& topology, const Topologies& topologies,
              const WorkerStatus& known) {
    using cluster::LeaseHolder;
    if (topologies.is_asking(topology, slot.number)) return to_string(LeaseHolder::kNimbus);
    const bool says = topologies.is_present(slot.supervisor) && known.pid > 0;
    if (!says || known.report.lease == LeaseHolder::kUnknown) return nullptr;
    return to_string(known.report.lease);
}

Json worker_json(const WorkerSlot& slot, const TopologyView& view, const Topologies& topologies,
                 net::Access access) {
    const WorkerStatus* const status = topologies.book().worker(view.record.id, slot);
    const bool present = topologies.is_present(slot.supervisor);
    Json json = {{"id", slot.number}, {"host", slot.host}, {"port", slot.port}};
    const WorkerStatus known = status == nullptr ? WorkerStatus{} : *status;
    const std::uint16_t metrics_port = known.report.metrics_port;
    const std::uint16_t http_port = http_port_of(slot.supervisor, topologies);
    json["pid"] = known.pid;
    // The last report is not true any more when its Supervisor is lost or silent.
    json["state"] = !present ? "LOST"
                    : topologies.is_silent(slot.supervisor)
                        ? "UNKNOWN"
                        : cluster::to_string(known.report.state);
    json["lease"] = lease_of(slot, view.record.id, topologies, known);
    json["restarts"] = known.restarts;
    json["incarnation"] = known.incarnation;
    json["exit"] = known.exit;
    if (access != net::Access::kOpen) {
        json["failure"] = known.report.failure;
        json["last_stderr"] = known.last_stderr;
    }
    const bool is_unheard = topologies.leading() && present && http_port != 0 &&
                            !topologies.book().heard(slot.supervisor);
    if (is_unheard) json["failure"] = kUnheard;
    json["metrics_url"] =
        metrics_port == 0 ? Json() : Json(url(slot.host, metrics_port, "/metrics"));
    json["supervisor"] = slot.supervisor;
    json["log_url"] =
        http_port == 0
            ? Json()
            : Json(url(slot.host, http_port,
                       "/api/v1/logs/" + view.record.id + '/' + std::to_string(slot.number)));
    return json;
}

/// The executors that the assignment gives to a worker, each with its first and last task.
Json executors_json(std::uint32_t worker, const TopologyView& view,
                    const std::vector<cluster::ExecutorPlan>& all) {
    Json json = Json::array();
    const auto& workers = view.assignment.worker_of_executor;
    for (std::size_t e = 0; e < all.size() && e < workers.size(); ++e) {
        if (workers[e] != worker) continue;
        json.push_back({{"component", view.description.components[all[e].component].id},
                        {"first_task", all[e].first_task},
                        {"last_task", all[e].first_task + all[e].tasks - 1}});
    }
    return json;
}

/// Names components whose open() or prepare() keeps the topology waiting.
void note_opening(const cluster::Description& description,
                  const std::map<std::string, ComponentTotals>& totals, Json& notes) {
    for (const cluster::DescribedComponent& component : description.components) {
        const auto at = totals.find(component.id);
        if (at == totals.end() || at->second.opening_secs == 0) continue;
        notes.push_back('"' + component.id + "\" (task " + std::to_string(at->second.opening_task) +
                        ") has been in " + (component.is_spout ? "open()" : "prepare()") + " for " +
                        std::to_string(at->second.opening_secs) + " s");
    }
}

struct Executors {
    std::size_t total = 0;
    std::size_t assigned = 0;
    std::size_t prepared = 0;
};

Executors executors_of(const TopologyView& view, const Topologies& topologies, std::size_t total) {
    Executors executors{total, 0, 0};
    for (const WorkerSlot& slot : view.assignment.workers) {
        if (!topologies.is_present(slot.supervisor)) continue;
        const auto& workers = view.assignment.worker_of_executor;
        const auto count =
            static_cast<std::size_t>(std::count(workers.begin(), workers.end(), slot.number));
        executors.assigned += count;
        const WorkerStatus* const status = topologies.book().worker(view.record.id, slot);
        if (status == nullptr || status->pid == 0) continue;
        const WorkerState state = status->report.state;
        if (state == WorkerState::kRunning || state == WorkerState::kFinished) {
            executors.prepared += count;
        }
    }
    return executors;
}

Json errors_json_of(const TopologyView& view, const Topologies& topologies, net::Access access) {
    Json json = Json::array();
    for (const cluster::TopologyError& error : topologies.errors(view.record.id)) {
        json.push_back({{"component", error.component}, {"task", error.task}});
        if (access != net::Access::kOpen) json.back()["error"] = error.error;
        json.back()["count"] = error.count;
        json.back()["first_ms"] = error.first_ms == 0 ? error.time_ms : error.first_ms;
        json.back()["time_ms"] = error.time_ms;
    }
    return json;
}

Json target(const std::string& host, std::uint16_t port, const char* role) {
    return {{"targets", Json::array({net::to_string({host, port})})},
            {"labels", {{"storm_role", role}}}};
}

}  // namespace

std::string topologies_json(const Topologies& topologies, std::int64_t now_ms) {
    Json list = Json::array();
    for (const TopologyView& view : topologies.all()) {
        const cluster::Description& description = view.description;
        std::int64_t executors = 0;
        std::int64_t tasks = 0;
        for (const auto& component : description.components) {
            executors += component.executors;
            tasks += component.tasks;
        }
        list.push_back({{"name", view.record.name},
                        {"id", view.record.id},
                        {"status", view.state},
                        {"workers", view.assignment.workers.size()},
                        {"executors", executors},
                        {"tasks", tasks},
                        {"uptime_secs", secs_since(view.record.submitted_ms, now_ms)}});
    }
    return text({{"topologies", std::move(list)}});
}

std::string topology_json(const TopologyView& view, const Topologies& topologies,
                          std::int64_t now_ms, net::Access access) {
    const cluster::Description& description = view.description;
    const cluster::Plan plan = description.plan();
    const Executors executors = executors_of(view, topologies, plan.executors.size());
    Json workers = Json::array();
    for (const WorkerSlot& slot : view.assignment.workers) {
        workers.push_back(worker_json(slot, view, topologies, access));
        workers.back()["executors"] = executors_json(slot.number, view, plan.executors);
    }
    Json notes = view.notes;
    note_opening(description, topologies.book().totals(view.assignment), notes);
    Json json = {{"name", view.record.name},
                 {"id", view.record.id},
                 {"status", view.state},
                 {"uptime_secs", secs_since(view.record.submitted_ms, now_ms)},
                 {"settings", settings_json(view.record.settings, access)},
                 {"executors",
                  {{"total", executors.total},
                   {"assigned", executors.assigned},
                   {"prepared", executors.prepared}}},
                 {"unassigned", view.unassigned},
                 {"notes", std::move(notes)},
                 {"losses", losses_json(description, view, topologies)},
                 {"components", components_json(description, view, topologies, access)},
                 {"workers", std::move(workers)},
                 {"errors", errors_json_of(view, topologies, access)}};
    if (access == net::Access::kOpen) {
        json["withheld"] = Json::array({"settings", "failure", "last_stderr", "error", "statuses"});
    }
    return text(json);
}

std::string supervisors_json(const Topologies& topologies, std::int64_t now_ms) {
    std::map<std::string, std::size_t> used;
    for (const TopologyView& view : topologies.all()) {
        for (const WorkerSlot& slot : view.assignment.workers) ++used[slot.supervisor];
    }
    Json list = Json::array();
    for (const auto& [id, supervisor] : topologies.supervisors()) {
        list.push_back({{"id", id},
                        {"host", supervisor.host},
                        {"http_port", supervisor.http_port},
                        {"slots", supervisor.slots.size()},
                        {"used_slots", used[id]},
                        {"machine", supervisor.machine},
                        {"glibc", supervisor.glibc},
                        {"isolation", supervisor.isolation},
                        {"storm_version", supervisor.storm_version},
                        {"uptime_secs", secs_since(supervisor.started_ms, now_ms)}});
    }
    return text({{"supervisors", std::move(list)}});
}

std::string nimbuses_json(const Nimbuses& nimbuses, std::int64_t now_ms) {
    Json list = Json::array();
    for (const auto& [id, nimbus] : nimbuses.live) {
        list.push_back({{"id", id},
                        {"host", nimbus.host},
                        {"port", nimbus.port},
                        {"leader", nimbuses.leader && nimbuses.leader->nimbus == id},
                        {"storm_version", nimbus.storm_version},
                        {"uptime_secs", secs_since(nimbus.started_ms, now_ms)}});
    }
    return text({{"nimbuses", std::move(list)}});
}

std::string errors_json(const Topologies& topologies, net::Access access) {
    Json list = Json::array();
    for (const TopologyView& view : topologies.all()) {
        for (const Json& error : errors_json_of(view, topologies, access)) {
            Json told = {{"topology", view.record.name}};
            told.update(error);
            list.push_back(std::move(told));
        }
    }
    Json json = {{"errors", std::move(list)}};
    if (access == net::Access::kOpen) json["withheld"] = Json::array({"error"});
    return text(json);
}

std::string targets_json(const Topologies& topologies, const Nimbuses& nimbuses) {
    Json list = Json::array();
    for (const auto& [id, nimbus] : nimbuses.live) {
        list.push_back(target(nimbus.host, nimbus.port, "nimbus"));
    }
    for (const auto& [id, supervisor] : topologies.supervisors()) {
        list.push_back(target(supervisor.host, supervisor.http_port, "supervisor"));
    }
    for (const TopologyView& view : topologies.all()) {
        for (const WorkerSlot& slot : view.assignment.workers) {
            const WorkerStatus* const status = topologies.book().worker(view.record.id, slot);
            if (status == nullptr || status->report.metrics_port == 0) continue;
            list.push_back(target(slot.host, status->report.metrics_port, "worker"));
        }
    }
    return text(list);
}

}  // namespace storm::nimbus

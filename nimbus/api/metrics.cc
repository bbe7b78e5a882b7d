#include "nimbus/api/metrics.h"

#include <algorithm>
#include <utility>

#include "net/metrics_text.h"

namespace storm::nimbus {
namespace {

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

void add_topologies(net::MetricsText& metrics, const Topologies& topologies) {
    // All of them, so that a series is there before the first such topology is.
    std::map<std::string_view, std::uint64_t> by_status = {
        {"ACTIVE", 0},   {"INACTIVE", 0},   {"REBALANCING", 0}, {"KILLED", 0},
        {"FINISHED", 0}, {"UNREADABLE", 0}, {"MISSING", 0}};
    std::uint64_t used = 0;
    std::uint64_t unassigned = 0;
    for (const TopologyView& view : topologies.all()) {
        ++by_status[view.state];
        used += view.assignment.workers.size();
        if (!is_running(fate_of(view.record))) continue;
        const auto& workers = view.assignment.worker_of_executor;
        unassigned += static_cast<std::uint64_t>(
            std::count(workers.begin(), workers.end(), cluster::kUnassigned));
    }
    for (const auto& [status, count] : by_status) {
        metrics.gauge("storm_nimbus_topologies", "Topologies by status", number(count),
                      {{"status", std::string(status)}});
    }
    std::uint64_t slots = 0;
    for (const auto& [id, supervisor] : topologies.supervisors()) slots += supervisor.slots.size();
    metrics.gauge("storm_nimbus_supervisors", "Live Supervisors",
                  number(topologies.supervisors().size()));
    metrics.gauge("storm_nimbus_slots", "Slots of live Supervisors", number(slots));
    metrics.gauge("storm_nimbus_slots_used", "Slots that are assigned", number(used));
    metrics.gauge("storm_nimbus_executors_unassigned",
                  "Executors of running topologies without a slot", number(unassigned));
    const TopologyCounters& counters = topologies.counters();
    metrics.counter("storm_nimbus_terms_total", "Times that this Nimbus began to lead",
                    number(counters.terms));
    metrics.counter("storm_nimbus_schedulings_total", "Runs of the scheduler",
                    number(counters.schedulings));
    metrics.counter("storm_nimbus_assignments_written_total", "Assignments written",
                    number(counters.assignments_written));
    metrics.counter("storm_nimbus_workers_moved_total",
                    "Workers that got a slot, another one, or other executors",
                    number(counters.workers_moved));
    metrics.counter("storm_nimbus_reports_total", "Reports of Supervisors taken",
                    number(counters.reports));
    metrics.counter("storm_nimbus_writes_failed_total", "Writes that ZooKeeper refused",
                    number(counters.writes_failed));
}

}  // namespace

net::HttpResponse metrics_response(const MetricsSource& source) {
    net::MetricsText metrics;
    metrics.gauge("storm_nimbus_leader", "1 while this Nimbus leads",
                  source.topologies.leading() ? 1 : 0);
    metrics.gauge("storm_nimbus_zookeeper_connected", "1 while there is a session",
                  source.zookeeper_connected ? 1 : 0);
    metrics.gauge("storm_nimbus_nimbuses", "Live Nimbuses", number(source.nimbuses.live.size()));
    add_topologies(metrics, source.topologies);
    metrics.gauge("storm_nimbus_blobs", "Blobs kept here", number(source.blobs.blobs));
    metrics.gauge("storm_nimbus_blob_bytes", "Bytes of the blobs kept here",
                  number(source.blobs.bytes));
    metrics.gauge("storm_nimbus_blobs_missing", "Blobs that topologies need and are not here",
                  number(source.blobs_missing));
    metrics.counter("storm_nimbus_copies_lacking_total",
                    "Submissions whose blobs some Nimbus did not take",
                    number(source.copies_lacking));
    for (const auto& [status, count] : source.requests_by_status) {
        metrics.counter("storm_nimbus_http_requests_total", "HTTP requests answered", number(count),
                        {{"status", std::to_string(status)}});
    }
    metrics.process();
    return metrics.response();
}

}  // namespace storm::nimbus

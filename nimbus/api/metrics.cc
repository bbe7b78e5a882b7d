#include "nimbus/api/metrics.h"

#include <algorithm>
#include <fstream>
#include <utility>
#include <vector>

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

namespace storm::nimbus {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Families {
public:
    void gauge(const char* name, const char* help, double value, ClientMetric::Label label = {}) {
        ClientMetric metric;
        metric.gauge.value = value;
        add(name, help, MetricType::Gauge, std::move(metric), std::move(label));
    }
    void counter(const char* name, const char* help, double value, ClientMetric::Label label = {}) {
        ClientMetric metric;
        metric.counter.value = value;
        add(name, help, MetricType::Counter, std::move(metric), std::move(label));
    }
    std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

private:
    void add(const char* name, const char* help, MetricType type, ClientMetric metric,
             ClientMetric::Label label) {
        if (!label.name.empty()) metric.label.push_back(std::move(label));
        if (families_.empty() || families_.back().name != name) {
            families_.push_back({name, help, type, {}});
        }
        families_.back().metric.push_back(std::move(metric));
    }

    std::vector<MetricFamily> families_;
};

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages = 0;
    statm >> pages >> pages;
    return number(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double cpu_secs() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto secs = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return secs(used.ru_utime) + secs(used.ru_stime);
}

void add_topologies(Families& families, const Topologies& topologies) {
    std::map<std::string_view, std::uint64_t> by_status = {{"ACTIVE", 0},     {"INACTIVE", 0},
                                                           {"KILLED", 0},     {"FINISHED", 0},
                                                           {"UNREADABLE", 0}, {"MISSING", 0}};
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
        families.gauge("storm_nimbus_topologies", "Topologies by status", number(count),
                       {"status", std::string(status)});
    }
    std::uint64_t slots = 0;
    for (const auto& [id, supervisor] : topologies.supervisors()) slots += supervisor.slots.size();
    families.gauge("storm_nimbus_supervisors", "Live Supervisors",
                   number(topologies.supervisors().size()));
    families.gauge("storm_nimbus_slots", "Slots of live Supervisors", number(slots));
    families.gauge("storm_nimbus_slots_used", "Slots that are assigned", number(used));
    families.gauge("storm_nimbus_executors_unassigned",
                   "Executors of running topologies without a slot", number(unassigned));
    const TopologyCounters& counters = topologies.counters();
    families.counter("storm_nimbus_terms_total", "Times that this Nimbus began to lead",
                     number(counters.terms));
    families.counter("storm_nimbus_schedulings_total", "Runs of the scheduler",
                     number(counters.schedulings));
    families.counter("storm_nimbus_assignments_written_total", "Assignments written",
                     number(counters.assignments_written));
    families.counter("storm_nimbus_workers_moved_total",
                     "Workers that got a slot, another one, or other executors",
                     number(counters.workers_moved));
    families.counter("storm_nimbus_reports_total", "Reports of Supervisors taken",
                     number(counters.reports));
    families.counter("storm_nimbus_writes_failed_total", "Writes that ZooKeeper refused",
                     number(counters.writes_failed));
}

}  // namespace

std::string metrics_text(const MetricsSource& source) {
    Families families;
    families.gauge("storm_nimbus_leader", "1 while this Nimbus leads",
                   source.topologies.leading() ? 1 : 0);
    families.gauge("storm_nimbus_zookeeper_connected", "1 while there is a session",
                   source.zookeeper_connected ? 1 : 0);
    families.gauge("storm_nimbus_nimbuses", "Live Nimbuses", number(source.nimbuses.live.size()));
    add_topologies(families, source.topologies);
    families.gauge("storm_nimbus_blobs", "Blobs kept here", number(source.blobs.blobs));
    families.gauge("storm_nimbus_blob_bytes", "Bytes of the blobs kept here",
                   number(source.blobs.bytes));
    families.gauge("storm_nimbus_blobs_missing", "Blobs that topologies need and are not here",
                   number(source.blobs_missing));
    families.counter("storm_nimbus_copies_lacking_total",
                     "Submissions whose blobs some Nimbus did not take",
                     number(source.copies_lacking));
    for (const auto& [status, count] : source.requests_by_status) {
        families.counter("storm_nimbus_http_requests_total", "HTTP requests answered",
                         number(count), {"status", std::to_string(status)});
    }
    families.gauge("process_start_time_seconds", "Start time, in seconds since 1970",
                   static_cast<double>(source.started_ms) / 1000);
    families.gauge("process_resident_memory_bytes", "Resident memory", resident_bytes());
    families.counter("process_cpu_seconds_total", "Processor time used", cpu_secs());
    return families.text();
}

}  // namespace storm::nimbus

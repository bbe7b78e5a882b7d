#include "worker/run/metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace storm::worker {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::size_t kPowersMax = 26;  // 2^26 us = 67 s

ClientMetric::Histogram histogram(
    const std::array<std::uint64_t, LatencyHistogram::kBuckets>& counts) {
    ClientMetric::Histogram made;
    std::size_t bucket = 0;
    const auto take = [&] {
        const auto above = static_cast<double>(LatencyHistogram::upper_bound(bucket));
        const auto below =
            bucket == 0 ? 0.0 : static_cast<double>(LatencyHistogram::upper_bound(bucket - 1));
        made.sample_count += counts[bucket];
        made.sample_sum += static_cast<double>(counts[bucket]) * (above + below) / 2 / 1e6;
        ++bucket;
    };
    for (std::size_t power = 0; power <= kPowersMax; ++power) {
        const base::Micros bound = base::Micros{1} << power;
        while (LatencyHistogram::upper_bound(bucket) <= bound) take();
        made.bucket.push_back({made.sample_count, static_cast<double>(bound) / 1e6});
    }
    while (bucket < counts.size()) take();
    return made;
}

class Families {
public:
    explicit Families(const MetricsSource& source) : source_(source) {}

    void add(const ComponentSnapshot& component) {
        if (!component.here) return;  // The workers that run it report its counts.
        const std::string& id = component.id;
        for (const auto& stream : component.streams) {
            count("emitted", "Tuples emitted", id, stream.stream, stream.emitted);
            count("transferred", "Tuples sent, one for each task that gets it", id, stream.stream,
                  stream.transferred);
        }
        if (component.is_spout) {
            add_spout(component);
        } else {
            add_inputs(component);
        }
        total("storm_worker_errors_total", "Exceptions and reported errors of user code", id,
              component.errors);
        total("storm_worker_dropped_total",
              "Untracked tuples given up: too much at once, or lost with a worker", id,
              component.dropped);
        if (!component.is_spout) {
            total("storm_worker_expired_total",
                  "Tuples that timed out before their bolt could execute them", id,
                  component.expired);
        }
        total("storm_worker_lost_total", "Untracked inputs that failed, and emits that threw", id,
              component.lost_inputs + component.lost_emits);
        for (const auto& [name, value] : named_apart(component.user_counters)) {
            total("storm_task_" + name + "_total", "A counter of the topology's own", id, value);
        }
    }

    void add(const LeaseState& lease) {
        ClientMetric& made =
            metric("storm_worker_lease_age_seconds",
                   "Since somebody has vouched for the worker, and who", MetricType::Gauge, "");
        made.label = {{"topology", source_.topology},
                      {"worker", source_.worker},
                      {"holder", std::string(lease.holder)}};
        made.gauge.value = static_cast<double>(lease.age) / 1e6;
    }

    std::string text() const {
        std::vector<MetricFamily> families;
        for (const auto& [name, family] : families_) families.push_back(family);
        return prometheus::TextSerializer().Serialize(families);
    }

private:
    void add_spout(const ComponentSnapshot& spout) {
        const std::string stream = spout.streams.size() == 1 ? spout.streams.front().stream : "";
        count("acked", kAckedHelp, spout.id, stream, spout.acked);
        count("failed", kFailedHelp, spout.id, stream, spout.failed);
        ClientMetric& pending =
            metric("storm_worker_pending_tuples", "Tracked tuples of spouts in flight",
                   MetricType::Gauge, spout.id);
        pending.gauge.value = static_cast<double>(spout.pending);
        ClientMetric& latency =
            metric("storm_worker_complete_latency_seconds",
                   "From a spout's emit to the end of the tuple's tree; the sum is estimated",
                   MetricType::Histogram, spout.id);
        latency.histogram = histogram(spout.complete_latency);
    }

    void add_inputs(const ComponentSnapshot& bolt) {
        // Streams of the same name from several sources are combined.
        std::map<std::string, ComponentSnapshot::InputCounts> by_stream;
        for (const auto& input : bolt.inputs) {
            if (input.stream.starts_with("__") && input.executed == 0) continue;
            auto& sum = by_stream[input.stream];
            sum.executed += input.executed;
            sum.acked += input.acked;
            sum.failed += input.failed;
        }
        for (const auto& [stream, sum] : by_stream) {
            count("executed", "Tuples that execute() was called with", bolt.id, stream,
                  sum.executed);
            count("acked", kAckedHelp, bolt.id, stream, sum.acked);
            count("failed", kFailedHelp, bolt.id, stream, sum.failed);
        }
    }

    void count(const std::string& what, const char* help, const std::string& component,
               const std::string& stream, std::uint64_t value) {
        ClientMetric& made =
            metric("storm_worker_" + what + "_total", help, MetricType::Counter, component);
        made.label.insert(made.label.end() - 1, {"stream", stream});
        made.counter.value = static_cast<double>(value);
    }

    void total(const std::string& name, const std::string& help, const std::string& component,
               std::uint64_t value) {
        metric(name, help, MetricType::Counter, component).counter.value =
            static_cast<double>(value);
    }

    ClientMetric& metric(const std::string& name, const std::string& help, MetricType type,
                         const std::string& component) {
        MetricFamily& family = families_[name];
        family.name = name;
        family.help = help;
        family.type = type;
        ClientMetric& made = family.metric.emplace_back();
        made.label = {
            {"topology", source_.topology}, {"component", component}, {"worker", source_.worker}};
        return made;
    }

    /// Counters under valid metric names. If two names become equal, a number is appended; a
    /// counter whose name was valid keeps it.
    static std::map<std::string, std::uint64_t> named_apart(
        std::vector<std::pair<std::string, std::uint64_t>> counters) {
        std::sort(counters.begin(), counters.end());
        std::map<std::string, std::uint64_t> named;
        for (const auto& [name, value] : counters) {
            if (metric_name(name) == name) named.emplace(name, value);
        }
        for (const auto& [name, value] : counters) {
            const std::string clean = metric_name(name);
            if (clean == name) continue;
            std::string free = clean;
            for (int i = 2; named.contains(free); ++i) free = clean + '_' + std::to_string(i);
            named.emplace(free, value);
        }
        return named;
    }

    static std::string metric_name(std::string name) {
        for (char& letter : name) {
            const bool allowed = (letter >= 'a' && letter <= 'z') ||
                                 (letter >= 'A' && letter <= 'Z') ||
                                 (letter >= '0' && letter <= '9') || letter == '_';
            if (!allowed) letter = '_';
        }
        return name;
    }

    static constexpr const char* kAckedHelp = "Tuples acked, and of spouts trees completed";
    static constexpr const char* kFailedHelp = "Tuples failed, and of spouts trees failed";

    const MetricsSource& source_;
    std::map<std::string, MetricFamily> families_;
};

}  // namespace

std::string metrics_text(const Snapshot& snapshot, const MetricsSource& source,
                         const std::optional<LeaseState>& lease) {
    Families families(source);
    for (const ComponentSnapshot& component : snapshot) families.add(component);
    if (lease) families.add(*lease);
    return families.text();
}

}  // namespace storm::worker

#include "worker/run/metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "net/metrics_text.h"

namespace storm::worker {
namespace {

using net::MetricsText;

constexpr std::size_t kPowersMax = 26;  // 2^26 us = 67 s

constexpr const char* kAckedHelp = "Tuples acked, and of spouts trees completed";
constexpr const char* kFailedHelp = "Tuples failed, and of spouts trees failed";

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

// Ours are finer than a power of two, and their bounds include each power, so each bucket of the
// result is a sum of whole ones of ours. The sum of the times is an estimate, by the middle of each
// bucket.
MetricsText::Histogram histogram(
    const std::array<std::uint64_t, LatencyHistogram::kBuckets>& counts) {
    MetricsText::Histogram made;
    std::size_t bucket = 0;
    const auto take = [&] {
        const auto above = static_cast<double>(LatencyHistogram::upper_bound(bucket));
        const auto below =
            bucket == 0 ? 0.0 : static_cast<double>(LatencyHistogram::upper_bound(bucket - 1));
        made.count += counts[bucket];
        made.sum += number(counts[bucket]) * (above + below) / 2 / 1e6;
        ++bucket;
    };
    for (std::size_t power = 0; power <= kPowersMax; ++power) {
        const base::Micros bound = base::Micros{1} << power;
        while (LatencyHistogram::upper_bound(bucket) <= bound) take();
        made.buckets.push_back({static_cast<double>(bound) / 1e6, made.count});
    }
    while (bucket < counts.size()) take();
    return made;
}

std::string metric_name(std::string name) {
    for (char& letter : name) {
        const bool allowed = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                             (letter >= '0' && letter <= '9') || letter == '_';
        if (!allowed) letter = '_';
    }
    return name;
}

/// Counters under valid metric names. If two names become equal, a number is appended; a counter
/// whose name was valid keeps it.
std::map<std::string, std::uint64_t> named_apart(
    std::vector<std::pair<std::string, std::uint64_t>> counters) {
    // Sorted, so that a counter gets the same number in each answer and after each start.
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

/// Adds the metrics of one component.
class Component {
public:
    Component(MetricsText& to, const MetricsSource& source, const ComponentSnapshot& component)
        : to_(to), source_(source), component_(component) {}

    void add() {
        for (const auto& stream : component_.streams) {
            total("storm_worker_emitted_total", "Tuples emitted", stream.emitted, stream.stream);
            total("storm_worker_transferred_total", "Tuples sent, one for each task that gets it",
                  stream.transferred, stream.stream);
        }
        if (component_.is_spout) {
            add_spout();
        } else {
            add_inputs();
            total("storm_worker_expired_total",
                  "Tuples that timed out before their bolt could execute them", component_.expired);
        }
        total("storm_worker_errors_total", "Exceptions and reported errors of user code",
              component_.errors);
        total("storm_worker_dropped_total",
              "Untracked tuples given up: too much at once, or lost with a worker",
              component_.dropped);
        total("storm_worker_lost_total", "Untracked inputs that failed, and emits that threw",
              component_.lost_inputs + component_.lost_emits);
        for (const auto& [name, value] : named_apart(component_.user_counters)) {
            total("storm_task_" + name + "_total", "A counter of the topology's own", value);
        }
    }

private:
    void add_spout() {
        const auto& streams = component_.streams;
        const std::string stream = streams.size() == 1 ? streams.front().stream : "";
        total("storm_worker_acked_total", kAckedHelp, component_.acked, stream);
        total("storm_worker_failed_total", kFailedHelp, component_.failed, stream);
        to_.gauge("storm_worker_pending_tuples", "Tracked tuples of spouts in flight",
                  number(component_.pending), labels());
        to_.histogram("storm_worker_complete_latency_seconds",
                      "From a spout's emit to the end of the tuple's tree; the sum is estimated",
                      histogram(component_.complete_latency), labels());
    }

    void add_inputs() {
        // Streams of the same name from several sources are combined.
        std::map<std::string, ComponentSnapshot::InputCounts> by_stream;
        for (const auto& input : component_.inputs) {
            // Every bolt has an input for ticks; only for those that get some it is shown.
            if (input.stream.starts_with("__") && input.executed == 0) continue;
            auto& sum = by_stream[input.stream];
            sum.executed += input.executed;
            sum.acked += input.acked;
            sum.failed += input.failed;
        }
        for (const auto& [stream, sum] : by_stream) {
            total("storm_worker_executed_total", "Tuples that execute() was called with",
                  sum.executed, stream);
            total("storm_worker_acked_total", kAckedHelp, sum.acked, stream);
            total("storm_worker_failed_total", kFailedHelp, sum.failed, stream);
        }
    }

    void total(const std::string& name, const std::string& help, std::uint64_t value) {
        to_.counter(name, help, number(value), labels());
    }
    /// An empty stream is a label, too: the counts of all streams.
    void total(const std::string& name, const std::string& help, std::uint64_t value,
               const std::string& stream) {
        MetricsText::Labels all = labels();
        all.insert(all.end() - 1, {"stream", stream});
        to_.counter(name, help, number(value), std::move(all));
    }
    MetricsText::Labels labels() const {
        return {{"topology", source_.topology},
                {"component", component_.id},
                {"worker", source_.worker}};
    }

    MetricsText& to_;
    const MetricsSource& source_;
    const ComponentSnapshot& component_;
};

}  // namespace

net::HttpResponse metrics_response(const Snapshot& snapshot, const MetricsSource& source,
                                   const std::optional<LeaseState>& lease) {
    MetricsText metrics;
    for (const ComponentSnapshot& component : snapshot) {
        // Other workers report the counts of components that they alone run.
        if (component.here) Component(metrics, source, component).add();
    }
    if (lease) {
        metrics.gauge("storm_worker_lease_age_seconds",
                      "Since somebody has vouched for the worker, and who",
                      static_cast<double>(lease->age) / 1e6,
                      {{"topology", source.topology},
                       {"worker", source.worker},
                       {"holder", std::string(lease->holder)}});
    }
    metrics.process();
    return metrics.response();
}

}  // namespace storm::worker

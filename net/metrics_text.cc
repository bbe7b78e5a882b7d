#include "net/metrics_text.h"

#include <algorithm>
#include <cstdint>
#include <fstream>

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/process_stat.h"

namespace storm::net {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages = 0;
    statm >> pages >> pages;
    return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double cpu_secs() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto secs = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return secs(used.ru_utime) + secs(used.ru_stime);
}

/// In seconds since 1970; 0 if the kernel does not say.
double boot_secs() {
    std::ifstream stat("/proc/stat");
    double secs = 0;
    for (std::string word; stat >> word;) {
        if (word == "btime") stat >> secs;
    }
    return secs;
}

/// In seconds since 1970.
double start_secs() {
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    const auto stat = base::parse_process_stat(line);
    const double ticks = stat ? static_cast<double>(stat->start_time) : 0;
    return boot_secs() + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

struct MetricsText::Families {
    ClientMetric& add(const std::string& name, const std::string& help, MetricType type,
                      const Labels& labels) {
        auto family = std::find_if(all.begin(), all.end(),
                                   [&](const MetricFamily& each) { return each.name == name; });
        if (family == all.end()) family = all.insert(all.end(), {name, help, type, {}});
        ClientMetric& metric = family->metric.emplace_back();
        for (const auto& [label, value] : labels) {
            metric.label.push_back({label, value});
        }
        return metric;
    }

    std::vector<MetricFamily> all;
};

MetricsText::MetricsText() : families_(std::make_unique<Families>()) {}
MetricsText::~MetricsText() = default;

void MetricsText::gauge(const std::string& name, const std::string& help, double value,
                        const Labels& labels) {
    families_->add(name, help, MetricType::Gauge, labels).gauge.value = value;
}

void MetricsText::counter(const std::string& name, const std::string& help, double value,
                          const Labels& labels) {
    families_->add(name, help, MetricType::Counter, labels).counter.value = value;
}

void MetricsText::histogram(const std::string& name, const std::string& help,
                            const Histogram& value, const Labels& labels) {
    ClientMetric::Histogram& to =
        families_->add(name, help, MetricType::Histogram, labels).histogram;
    to.sample_count = value.count;
    to.sample_sum = value.sum;
    for (const Histogram::Bucket& bucket : value.buckets) {
        to.bucket.push_back({bucket.count, bucket.upper_bound});
    }
}

void MetricsText::process() {
    gauge("process_start_time_seconds", "Start time, in seconds since 1970", start_secs());
    gauge("process_resident_memory_bytes", "Resident memory", resident_bytes());
    counter("process_cpu_seconds_total", "Processor time used", cpu_secs());
}

std::string MetricsText::text() const {
    return prometheus::TextSerializer().Serialize(families_->all);
}

HttpResponse MetricsText::response() const {
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = text()};
}

}  // namespace storm::net

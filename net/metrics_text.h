// The text of /metrics, in Prometheus' format.
//
//     MetricsText metrics;
//     metrics.gauge("storm_nimbus_slots", "Slots of live Supervisors", 12);
//     for (…) metrics.counter("rows_total", "Rows sent", n, {{"component", id}});
//     metrics.process();
//     reply(metrics.response());
//
// A name keeps the help and the type of its first mention; its metrics stand together.
//
// Threads: one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/http_message.h"

namespace storm::net {

class MetricsText {
public:
    /// Name and value, in the order in which they are shown.
    using Labels = std::vector<std::pair<std::string, std::string>>;
    struct Histogram {
        struct Bucket {
            double upper_bound = 0;
            std::uint64_t count = 0;  ///< Number of values up to the bound.
        };
        std::vector<Bucket> buckets;
        std::uint64_t count = 0;
        double sum = 0;
    };

    MetricsText();
    ~MetricsText();
    MetricsText(const MetricsText&) = delete;
    MetricsText& operator=(const MetricsText&) = delete;

    void gauge(const std::string& name, const std::string& help, double value,
               const Labels& labels = {});
    void counter(const std::string& name, const std::string& help, double value,
                 const Labels& labels = {});
    void histogram(const std::string& name, const std::string& help, const Histogram& value,
                   const Labels& labels = {});
    /// process_*: start, memory and processor time of this process.
    void process();

    std::string text() const;
    HttpResponse response() const;

private:
    struct Families;
    std::unique_ptr<Families> families_;
};

}  // namespace storm::net

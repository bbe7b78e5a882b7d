// Goal:   Prometheus reads what a process says of itself, whichever process it is.
// Method: the text is compared line by line.

#include "net/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace storm::net {
namespace {

using ::testing::HasSubstr;

TEST(MetricsText, HasHelpAndTypeOncePerName) {
    MetricsText metrics;
    metrics.counter("a_total", "All a", 1, {{"x", "1"}});
    metrics.gauge("b", "The b", 2.5);
    metrics.counter("a_total", "Forgotten", 3, {{"x", "2"}});

    EXPECT_EQ(metrics.text(),
              "# HELP a_total All a\n"
              "# TYPE a_total counter\n"
              "a_total{x=\"1\"} 1\n"
              "a_total{x=\"2\"} 3\n"
              "# HELP b The b\n"
              "# TYPE b gauge\n"
              "b 2.5\n");
}

TEST(MetricsText, AHistogramHasItsBucketsItsCountAndItsSum) {
    MetricsText metrics;
    metrics.histogram("h", "Some h", {.buckets = {{0.1, 1}, {1, 3}}, .count = 4, .sum = 2.5});

    EXPECT_THAT(metrics.text(), HasSubstr("h_count 4\nh_sum 2.5\n"));
    EXPECT_THAT(metrics.text(), HasSubstr("h_bucket{le=\"0.1\"} 1\nh_bucket{le=\"1\"} 3\n"));
    EXPECT_THAT(metrics.text(), HasSubstr("h_bucket{le=\"+Inf\"} 4\n"));
}

TEST(MetricsText, ValuesOfLabelsAreEscaped) {
    MetricsText metrics;
    metrics.gauge("g", "A g", 1, {{"name", "a\"b\\c\nd"}});
    EXPECT_THAT(metrics.text(), HasSubstr(R"(g{name="a\"b\\c\nd"} 1)"));
}

TEST(MetricsText, TheProcessKnowsItsStartItsMemoryAndItsTime) {
    MetricsText metrics;
    metrics.process();
    const std::string text = metrics.text();

    const auto value = [&text](const std::string& name) {
        const std::size_t at = text.find('\n' + name + ' ');
        return at == std::string::npos ? -1.0 : std::stod(text.substr(at + name.size() + 2));
    };
    EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
    EXPECT_GE(value("process_cpu_seconds_total"), 0);
    // In seconds, not in milliseconds or ticks.
    EXPECT_GT(value("process_start_time_seconds"), 1.7e9);
    EXPECT_LT(value("process_start_time_seconds"), 1e11);
}

TEST(MetricsText, IsAnsweredInTheFormatThatItHas) {
    MetricsText metrics;
    metrics.gauge("g", "A g", 1);
    EXPECT_EQ(metrics.response().content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(metrics.response().body, metrics.text());
}

}  // namespace
}  // namespace storm::net

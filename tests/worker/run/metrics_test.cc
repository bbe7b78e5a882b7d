// /metrics has the names that users' queries rely on. Method: golden lines.

#include "worker/run/metrics.h"

#include <gmock/gmock.h>

namespace storm::worker {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(const ComponentSnapshot& component) {
    return metrics_response({component}, {"wc", "local"}).body;
}

TEST(Metrics, CountASpoutsTuplesAndTrees) {
    ComponentSnapshot spout;
    spout.id = "lines";
    spout.is_spout = true;
    spout.streams = {{"default", 12'345'678, 7}};
    spout.acked = 5;
    spout.failed = 2;
    spout.pending = 3;

    const std::string text = text_of(spout);

    EXPECT_THAT(text, HasSubstr("# TYPE storm_worker_emitted_total counter\n"
                                "storm_worker_emitted_total{topology=\"wc\",component=\"lines\","
                                "stream=\"default\",worker=\"local\"} 12345678\n"));
    EXPECT_THAT(text,
                HasSubstr("storm_worker_transferred_total{topology=\"wc\",component=\"lines\","
                          "stream=\"default\",worker=\"local\"} 7\n"));
    EXPECT_THAT(text, HasSubstr("storm_worker_acked_total{topology=\"wc\",component=\"lines\","
                                "stream=\"default\",worker=\"local\"} 5\n"));
    EXPECT_THAT(text, HasSubstr("storm_worker_failed_total{topology=\"wc\",component=\"lines\","
                                "stream=\"default\",worker=\"local\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("storm_worker_pending_tuples{topology=\"wc\",component=\"lines\","
                                "worker=\"local\"} 3\n"));
}

TEST(Metrics, AddUpInputsOfTheSameStream) {
    ComponentSnapshot bolt;
    bolt.id = "count";
    bolt.inputs = {{"a", "default", 10, 8, 1}, {"b", "default", 1, 1, 0}, {"x", "__tick", 0, 0, 0}};

    const std::string text = text_of(bolt);

    EXPECT_THAT(text, HasSubstr("storm_worker_executed_total{topology=\"wc\",component=\"count\","
                                "stream=\"default\",worker=\"local\"} 11\n"));
    EXPECT_THAT(text, HasSubstr("storm_worker_acked_total{topology=\"wc\",component=\"count\","
                                "stream=\"default\",worker=\"local\"} 9\n"));
    EXPECT_THAT(text, Not(HasSubstr("__tick")));
}

TEST(Metrics, HaveAHistogramOfTheCompleteLatency) {
    ComponentSnapshot spout;
    spout.id = "lines";
    spout.is_spout = true;
    spout.complete_latency[LatencyHistogram::bucket(0)] = 1;
    spout.complete_latency[LatencyHistogram::bucket(1000)] = 10;
    spout.complete_latency[LatencyHistogram::bucket(3600 * base::kMicrosPerSecond)] = 1;

    const std::string text = text_of(spout);

    const std::string bucket =
        "storm_worker_complete_latency_seconds_bucket{topology=\"wc\",component=\"lines\","
        "worker=\"local\",le=";
    EXPECT_THAT(text, HasSubstr(bucket + "\"1e-06\"} 1\n"));
    EXPECT_THAT(text, HasSubstr(bucket + "\"0.000512\"} 1\n"));
    EXPECT_THAT(text, HasSubstr(bucket + "\"0.001024\"} 11\n"));
    EXPECT_THAT(text, HasSubstr(bucket + "\"67.108864\"} 11\n"));
    EXPECT_THAT(text, HasSubstr(bucket + "\"+Inf\"} 12\n"));
    EXPECT_THAT(text, HasSubstr("storm_worker_complete_latency_seconds_count{"));
}

TEST(Metrics, ShowTheTopologysOwnCounters) {
    ComponentSnapshot bolt;
    bolt.id = "count";
    bolt.errors = 4;
    bolt.dropped = 6;
    bolt.expired = 7;
    bolt.user_counters = {{"lines read", 1}, {"lines.read", 3}, {"lines_read", 2}, {"other", 7}};

    const std::string text = text_of(bolt);

    const std::string labels = "{topology=\"wc\",component=\"count\",worker=\"local\"} ";
    EXPECT_THAT(text, HasSubstr("storm_task_lines_read_total" + labels + "2\n"));
    EXPECT_THAT(text, HasSubstr("storm_task_lines_read_2_total" + labels + "1\n"));
    EXPECT_THAT(text, HasSubstr("storm_task_lines_read_3_total" + labels + "3\n"));
    EXPECT_THAT(text, HasSubstr("storm_task_other_total" + labels + "7\n"));
    EXPECT_THAT(text, HasSubstr("storm_worker_errors_total{topology=\"wc\",component=\"count\","
                                "worker=\"local\"} 4\n"));
    EXPECT_THAT(text, HasSubstr("storm_worker_dropped_total{topology=\"wc\",component=\"count\","
                                "worker=\"local\"} 6\n"));
    EXPECT_THAT(text, HasSubstr("storm_worker_expired_total{topology=\"wc\",component=\"count\","
                                "worker=\"local\"} 7\n"));
}

TEST(Metrics, LeaveOutWhatRunsElsewhere) {
    ComponentSnapshot spout;
    spout.id = "lines";
    spout.is_spout = true;
    spout.here = false;

    EXPECT_THAT(text_of(spout), Not(HasSubstr("lines")));
}

}  // namespace
}  // namespace storm::worker

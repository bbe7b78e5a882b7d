// The texts of the status: rates are those of the interval, and lines fit the terminal.

#include "worker/run/status.h"

#include <gmock/gmock.h>

namespace storm::worker {
namespace {

using testing::ElementsAre;

constexpr base::Micros kSecond = base::kMicrosPerSecond;

ComponentSnapshot lines_spout(std::uint64_t emitted, std::uint64_t acked) {
    ComponentSnapshot spout;
    spout.id = "lines";
    spout.is_spout = true;
    spout.streams = {{"default", emitted, emitted}};
    spout.acked = acked;
    spout.failed = 2;
    spout.pending = emitted - acked;
    spout.complete_latency[LatencyHistogram::bucket(1500)] = acked;
    return spout;
}

ComponentSnapshot report_bolt() {
    ComponentSnapshot bolt;
    bolt.id = "report";
    bolt.statuses = {{4, "the 12,\nand 9"}, {5, "of 4"}};
    return bolt;
}

Status example() {
    Status status = status_between({lines_spout(1000, 900), report_bolt()},
                                   {lines_spout(3000, 2900), report_bolt()}, 2 * kSecond);
    status.topology = "word-count";
    status.uptime = 75 * kSecond;
    return status;
}

TEST(Status, RatesAreThoseOfTheInterval) {
    const Status status = example();

    ASSERT_EQ(status.spouts.size(), 1U);
    EXPECT_DOUBLE_EQ(status.spouts.front().emitted_per_s, 1000);
    EXPECT_EQ(status.spouts.front().acked, 2900U);
    EXPECT_NEAR(static_cast<double>(status.spouts.front().p50), 1500, 200);
}

TEST(Status, LatenciesOfAnIntervalWithoutAcksAreUnknown) {
    const Snapshot same = {lines_spout(1000, 900)};

    EXPECT_EQ(status_between(same, same, kSecond).spouts.front().p99, 0);
}

TEST(Status, TakesALineForEachComponentOnAScreen) {
    EXPECT_THAT(
        screen_lines(example(), 100),
        ElementsAre("word-count  0:01:15",
                    "  lines   1,000/s  p50 1.5 ms  p99 1.5 ms  pending 100  failed 2  acked 2,900",
                    "  report  the 12, and 9 | of 4"));
}

TEST(Status, FitsTheTerminal) {
    Status status = example();
    status.said = {{"report", "älter als er"}};

    const std::vector<std::string> lines = screen_lines(status, 15);

    EXPECT_THAT(lines, ElementsAre("word-count  ...", "  lines   1,...", "  report  äl..."));
    EXPECT_THAT(screen_lines(status, 2).front(), "..");
}

TEST(Status, LimitsItsLines) {
    Status status = example();
    status.said.assign(100, {"many", "x"});

    const std::vector<std::string> lines = screen_lines(status, 80);

    EXPECT_LE(lines.size(), 12U);
    EXPECT_EQ(lines.back(), "  and 91 more");
}

TEST(Status, IsOneLineElsewhere) {
    Status status = example();
    status.draining = true;
    status.errors = 3;

    EXPECT_EQ(plain_line(status),
              "status: 0:01:15, draining, errors 3; lines 1,000/s, p50 1.5 ms, p99 1.5 ms, pending "
              "100, failed 2, acked 2,900; report: the 12, and 9 | of 4");
}

TEST(Status, AnUntrackedSpoutHasNeitherAcksNorLatency) {
    ComponentSnapshot spout;
    spout.id = "ticks";
    spout.is_spout = true;
    spout.streams = {{"default", 5, 5}};
    Status status = status_between({}, {spout}, 2 * kSecond);
    status.uptime = 2 * kSecond;

    EXPECT_EQ(plain_line(status), "status: 2 s; ticks 2.5/s, emitted 5");
    EXPECT_EQ(summary_line(status, "finished"), "finished: 5 tuples in 2.0 s (2.5/s)");
}

TEST(Status, NamesWhatIsNotPreparedYet) {
    ComponentSnapshot spout = lines_spout(0, 0);
    spout.opening = kSecond - 1;
    spout.opening_task = 1;
    ComponentSnapshot bolt;
    bolt.id = "work";
    bolt.opening = 5 * kSecond;
    bolt.opening_task = 3;

    const Status status = status_between({}, {spout, bolt}, kSecond);

    EXPECT_THAT(plain_line(status),
                testing::EndsWith("; work: task 3 has been in prepare() for 5 s"));
    spout.opening = kSecond;
    EXPECT_THAT(plain_line(status_between({}, {spout}, kSecond)),
                testing::EndsWith("; lines: task 1 has been in open() for 1 s"));
}

TEST(Status, SumsUpInTheEnd) {
    Status whole = status_between({}, {lines_spout(3000, 3000), report_bolt()}, 3 * kSecond);
    whole.uptime = 3 * kSecond;

    EXPECT_EQ(summary_line(whole, "drained"),
              "drained: 3,000 tuples in 3.0 s (1,000/s), p50 1.5 ms, p99 1.5 ms, 2 failed");
}

TEST(Status, WritesNumbersForPeople) {
    EXPECT_EQ(with_commas(0), "0");
    EXPECT_EQ(with_commas(999), "999");
    EXPECT_EQ(with_commas(1'234'567), "1,234,567");
    EXPECT_EQ(duration_text(850), "850 us");
    EXPECT_EQ(duration_text(1'250), "1.2 ms");
    EXPECT_EQ(duration_text(12'000), "12 ms");
    EXPECT_EQ(duration_text(5 * kSecond), "5 s");
}

}  // namespace
}  // namespace storm::worker

// Goal:   what Supervisors report adds up to what a topology did, and news is told once.
// Method: reports by hand.

#include "nimbus/topology_store/report_book.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace storm::nimbus {
namespace {

using cluster::WorkerState;
using ::testing::IsEmpty;
using ::testing::SizeIs;

cluster::WorkerStatus worker(std::uint32_t number, std::uint64_t epoch, std::uint64_t starts,
                             std::uint64_t emitted) {
    cluster::WorkerStatus made;
    made.topology = "wc-1-1";
    made.number = number;
    made.incarnation = epoch << 32U | starts;
    made.port = 6700;
    made.pid = 7;
    made.report.state = WorkerState::kRunning;
    cluster::ComponentReport component;
    component.id = "lines";
    component.emitted = emitted;
    component.pending = 3;
    component.complete_latency = {0, emitted};
    made.report.components = {component};
    return made;
}

cluster::SupervisorReport report(const std::string& supervisor,
                                 std::vector<cluster::WorkerStatus> workers) {
    cluster::SupervisorReport made;
    made.supervisor = supervisor;
    made.host = "alpha";
    made.workers = std::move(workers);
    return made;
}

cluster::Assignment on(const std::string& supervisor, std::uint64_t epoch) {
    cluster::Assignment made;
    made.topology = "wc-1-1";
    made.workers = {{0, supervisor, "alpha", 6700, epoch}};
    return made;
}

TEST(ReportBook, AddsWhatFormerLivesOfAWorkerDid) {
    ReportBook book;
    book.take(report("s1", {worker(0, 1, 0, 100)}), 0, 0);
    book.take(report("s1", {worker(0, 1, 1, 5)}), 0, 0);
    book.take(report("s1", {worker(0, 1, 1, 7)}), 0, 0);
    book.take(report("s2", {worker(0, 2, 0, 20)}), 0, 0);

    const auto totals = book.totals(on("s2", 2));

    EXPECT_EQ(totals.at("lines").emitted, 127U);
    EXPECT_EQ(totals.at("lines").complete_latency[1], 127U);
    EXPECT_EQ(totals.at("lines").pending, 3U) << "of the present one only";
}

TEST(ReportBook, HeedsNoWorkerThatHasMovedOn) {
    ReportBook book;
    book.take(report("s2", {worker(0, 2, 0, 20)}), 0, 0);

    book.take(report("s1", {worker(0, 1, 0, 100)}), 0, 0);

    EXPECT_EQ(book.totals(on("s2", 2)).at("lines").emitted, 20U);
    EXPECT_EQ(book.worker("wc-1-1", on("s1", 2).workers[0]), nullptr);
}

TEST(ReportBook, KeepsCountsBetweenTwoProcesses) {
    ReportBook book;
    book.take(report("s1", {worker(0, 1, 0, 100)}), 0, 0);
    auto dead = worker(0, 1, 0, 0);
    dead.pid = 0;
    dead.report = {};
    dead.report.state = WorkerState::kBackOff;
    book.take(report("s1", {dead}), 0, 0);

    EXPECT_EQ(book.totals(on("s1", 1)).at("lines").emitted, 100U);
}

TEST(ReportBook, TellsHowOftenAnErrorHasComeSinceTheLastReport) {
    ReportBook book;
    auto told = worker(0, 1, 0, 1);
    auto& errors = told.report.components[0].last_errors;
    errors = {{"a", 7, 3}, {"b", 1, 4}};
    auto news = book.take(report("s1", {told}), 0, 42);
    ASSERT_THAT(news, SizeIs(2));
    EXPECT_EQ(news[0].first, "wc-1-1");
    EXPECT_EQ(news[0].second, (cluster::TopologyError{"lines", "a", 42, 7, 0, 3}));
    EXPECT_EQ(news[1].second, (cluster::TopologyError{"lines", "b", 42, 1, 0, 4}));
    EXPECT_THAT(book.take(report("s1", {told}), 0, 43), IsEmpty());

    errors = {{"b", 1, 4}, {"a", 9, 5}};
    news = book.take(report("s1", {told}), 0, 44);
    ASSERT_THAT(news, SizeIs(1));
    EXPECT_EQ(news[0].second, (cluster::TopologyError{"lines", "a", 44, 2, 0, 5}));

    errors = {{"a", 1, 5}};  // Forgotten by the worker meanwhile, and counted anew.
    news = book.take(report("s1", {told}), 0, 45);
    ASSERT_THAT(news, SizeIs(1));
    EXPECT_EQ(news[0].second.count, 1U);

    told.incarnation += 1;  // Another process: all of its errors are new.
    news = book.take(report("s1", {told}), 0, 46);
    ASSERT_THAT(news, SizeIs(1));
    EXPECT_EQ(news[0].second.count, 1U);
}

TEST(ReportBook, TellsEachErrorOfAnOlderWorkerOnce) {
    ReportBook book;
    auto told = worker(0, 1, 0, 1);
    told.report.components[0].errors = 2;
    told.report.components[0].last_errors = {{"a"}, {"b"}};
    EXPECT_THAT(book.take(report("s1", {told}), 0, 0), SizeIs(2));
    EXPECT_THAT(book.take(report("s1", {told}), 0, 0), IsEmpty());

    told.report.components[0].errors = 1000;
    told.report.components[0].last_errors = {{"b"}, {"c"}, {"d"}};
    EXPECT_THAT(book.take(report("s1", {told}), 0, 0), SizeIs(3));
    told.report.components[0].errors = 1001;
    told.report.components[0].last_errors = {{"c"}, {"d"}, {"e"}};
    const auto news = book.take(report("s1", {told}), 0, 42);

    ASSERT_THAT(news, SizeIs(1));
    EXPECT_EQ(news[0].first, "wc-1-1");
    EXPECT_EQ(news[0].second, (cluster::TopologyError{"lines", "e", 42}));
}

TEST(ReportBook, TellsWhatAWorkerLostOnceItHasFinished) {
    ReportBook book;
    auto told = worker(0, 1, 0, 1);
    told.report.components[0].losses = {.dropped = 2, .unreplayed = 3};
    EXPECT_THAT(book.take(report("s1", {told}), 0, 0), IsEmpty());
    told.report.state = WorkerState::kFinished;

    const auto news = book.take(report("s1", {told}), 0, 42);

    ASSERT_THAT(news, SizeIs(2));
    EXPECT_EQ(
        news[0].second,
        (cluster::TopologyError{
            "lines", "finished, but 3 tuples of \"lines\" failed and were not emitted again", 42}));
    EXPECT_THAT(book.take(report("s1", {told}), 0, 43), IsEmpty());
}

TEST(ReportBook, KnowsWhatAFinishedTopologyHasGivenUpThoughItsWorkersAreGone) {
    ReportBook book;
    cluster::WorkerStatus finished = worker(0, 1, 0, 100);
    finished.report.state = WorkerState::kFinished;
    finished.report.components[0].losses = {.dropped = 2, .unreplayed = 3};
    book.take(report("s1", {finished}), 0, 0);
    EXPECT_EQ(book.totals(on("s1", 1)).at("lines").losses,
              (cluster::Losses{.dropped = 2, .unreplayed = 3}));

    book.take(report("s1", {}), 0, 0);

    cluster::Assignment nowhere = on("s1", 1);
    nowhere.workers.clear();
    EXPECT_EQ(book.totals(nowhere).at("lines").losses,
              (cluster::Losses{.dropped = 2, .unreplayed = 3}));
}

TEST(ReportBook, AFormerLifeOfASpoutHasNotGivenUpWhatItsNextOneMayReplay) {
    ReportBook book;
    auto former = worker(0, 1, 0, 1);
    former.report.components[0].losses = {.dropped = 2, .unreplayed = 3};
    book.take(report("s1", {former}), 0, 0);
    book.take(report("s1", {worker(0, 1, 1, 1)}), 0, 0);

    EXPECT_EQ(book.totals(on("s1", 1)).at("lines").losses, cluster::Losses{.dropped = 2});
}

TEST(ReportBook, WhatARebalancedTopologyGaveUpMayComeAgainWhateverItsWorkersSaidLast) {
    ReportBook book;
    auto former = worker(0, 1, 0, 1);
    former.report.components[0].losses = {.dropped = 2, .unreplayed = 3};
    book.take(report("s1", {former}), 0, 0);
    // As a Supervisor says it that was started anew meanwhile.
    former.report.components.clear();
    former.report.state = WorkerState::kFinished;
    book.take(report("s1", {former}), 0, 0);

    book.forget_unreplayed(former.topology);

    EXPECT_EQ(book.totals(on("s1", 2)).at("lines").losses, cluster::Losses{.dropped = 2});
}

TEST(ReportBook, ForgetsWhoIsAbsentAndReportedLongestAgo) {
    ReportBook book;
    book.take(report("s3", {}), 10, 0);
    book.take(report("s1", {}), 20, 0);
    book.take(report("s2", {}), 15, 0);
    const auto present = [](const std::string& id) { return id == "s3"; };

    EXPECT_TRUE(book.forget_one_absent(present));
    EXPECT_FALSE(book.heard("s2"));
    EXPECT_TRUE(book.forget_one_absent(present));
    EXPECT_FALSE(book.heard("s1"));
    EXPECT_FALSE(book.forget_one_absent(present));
    EXPECT_TRUE(book.heard("s3"));
}

TEST(ReportBook, TellsOfTheEndOfAWorker) {
    ReportBook book;
    book.take(report("s1", {worker(0, 1, 0, 1)}), 0, 0);
    auto again = worker(0, 1, 1, 0);
    again.restarts = 1;
    again.exit = "exited with code 1";
    again.last_stderr = {"x", "no file"};

    const auto news = book.take(report("s1", {again}), 0, 0);

    ASSERT_THAT(news, SizeIs(1));
    EXPECT_EQ(news[0].second.error,
              "worker 0 on alpha:6700 ended: exited with code 1; it said: no file");
    EXPECT_THAT(book.take(report("s1", {again}), 0, 0), IsEmpty());

    again.restarts = 2;
    again.last_stderr = {"2026-11-21T10:00:00.000 error ending why=\"no file\"", "info link up"};
    EXPECT_EQ(book.take(report("s1", {again}), 0, 0).at(0).second.error,
              "worker 0 on alpha:6700 ended: exited with code 1; it said: "
              "error ending why=\"no file\"")
        << "without the time: equal ones are one error";

    again.restarts = 3;
    again.exit = "killed by signal 9 (SIGKILL)";
    EXPECT_EQ(book.take(report("s1", {again}), 0, 0).at(0).second.error,
              "worker 0 on alpha:6700 ended: killed by signal 9 (SIGKILL)")
        << "it did not know why";
}

TEST(ReportBook, TellsWhoseCodeAWorkerCrashedInAndInWhichCalls) {
    ReportBook book;
    book.take(report("s1", {worker(0, 1, 0, 1)}), 0, 0);
    auto again = worker(0, 1, 1, 0);
    again.restarts = 1;
    again.exit = "killed by signal 6 (SIGABRT)";
    again.last_stderr = {"2026-11-21T10:00:00.000 info link up",
                         "terminate called after throwing an instance of 'int'",
                         "error: ended by SIGABRT while it ran the code of \"split\" (task 12)",
                         "    #0 abort+0x1 (libc.so.6+0x2)",
                         "    #1 Split::execute()+0x3 (wc+0x4)",
                         "  hint: addr2line",
                         "2026-11-21T10:00:00.001 warning other threads go on"};

    const auto news = book.take(report("s1", {again}), 0, 42);

    ASSERT_THAT(news, SizeIs(1));
    EXPECT_EQ(news[0].second.component, "split");
    EXPECT_EQ(news[0].second.task, 12U);
    EXPECT_EQ(news[0].second.error,
              "worker 0 on alpha:6700 ended: killed by signal 6 (SIGABRT); it said: ended by "
              "SIGABRT while it ran the code of \"split\" (task 12)\n"
              "terminate called after throwing an instance of 'int'\n"
              "#0 abort+0x1 (libc.so.6+0x2)\n"
              "#1 Split::execute()+0x3 (wc+0x4)");

    again.restarts = 2;
    again.last_stderr = {"error: ended by SIGSEGV (at address 0x8)"};
    const auto nobodys = book.take(report("s1", {again}), 0, 42).at(0).second;
    EXPECT_EQ(nobodys.component, "");
    EXPECT_EQ(nobodys.task, 0U);
}

TEST(ReportBook, WhatTasksSayOfThemselvesIsOfThoseThatAreThere) {
    ReportBook book;
    auto told = worker(0, 1, 0, 1);
    told.report.components[0].statuses = {{1, "first life"}};
    told.report.components[0].opening_task = 1;
    told.report.components[0].opening_secs = 9;
    book.take(report("s1", {told}), 0, 0);
    told.incarnation += 1;
    told.report.components[0].statuses = {{1, "line 17"}, {2, "of 40"}};
    told.report.components[0].opening_task = 2;
    told.report.components[0].opening_secs = 3;
    book.take(report("s1", {told}), 0, 0);

    const ComponentTotals lines = book.totals(on("s1", 1)).at("lines");

    EXPECT_EQ(lines.statuses, (std::vector<cluster::TaskStatus>{{1, "line 17"}, {2, "of 40"}}));
    EXPECT_EQ(lines.opening_task, 2U);
    EXPECT_EQ(lines.opening_secs, 3U);
}

TEST(ReportBook, TellsOnceWhyAWorkerCannotBeStarted) {
    ReportBook book;
    cluster::WorkerStatus waiting = worker(0, 1, 0, 0);
    waiting.pid = 0;
    waiting.report = {};
    waiting.report.state = WorkerState::kBackOff;
    waiting.report.failure = "cannot start it: cannot download artifact \"program\"";
    cluster::WorkerStatus starting = waiting;
    starting.report.state = WorkerState::kStarting;
    starting.report.failure.clear();

    const auto news = book.take(report("s1", {waiting}), 0, 9);

    ASSERT_THAT(news, SizeIs(1));
    EXPECT_EQ(news[0].second.error,
              "worker 0 on alpha:6700: cannot start it: cannot download artifact \"program\"");
    EXPECT_THAT(book.take(report("s1", {waiting}), 0, 0), IsEmpty());
    EXPECT_THAT(book.take(report("s1", {starting}), 0, 0), IsEmpty());
    EXPECT_THAT(book.take(report("s1", {waiting}), 0, 0), IsEmpty()) << "the same, next try";
    EXPECT_THAT(book.take(report("s1", {worker(0, 1, 1, 1)}), 0, 0), IsEmpty());
    waiting.incarnation = std::uint64_t{1} << 32U | 1U;
    EXPECT_THAT(book.take(report("s1", {waiting}), 0, 0), SizeIs(1)) << "it had run since";
}

TEST(ReportBook, LeavesAFailureToTheEndOfItsWorker) {
    ReportBook book;
    cluster::WorkerStatus failed = worker(0, 1, 1, 0);
    failed.report.state = WorkerState::kFailed;
    failed.report.failure = "cannot open input";
    cluster::WorkerStatus waiting = failed;
    waiting.pid = 0;
    waiting.report.state = WorkerState::kBackOff;

    EXPECT_THAT(book.take(report("s1", {failed}), 0, 0), IsEmpty());
    EXPECT_THAT(book.take(report("s1", {waiting}), 0, 0), IsEmpty());
}

TEST(ReportBook, KnowsWhetherAProcessMayBeLeft) {
    ReportBook book;
    const cluster::WorkerSlot slot = on("s1", 1).workers.at(0);
    constexpr base::Micros kKilled = 100;
    const auto may = [&] { return book.may_have_process("wc-1-1", slot, kKilled); };
    EXPECT_TRUE(may()) << "nobody has said otherwise";

    book.take(report("s1", {}), 10, 0);
    EXPECT_TRUE(may()) << "it may have known of no worker then";
    auto starting = worker(0, 1, 0, 0);
    starting.pid = 0;
    starting.report.state = cluster::WorkerState::kStarting;
    book.take(report("s1", {starting}), 11, 0);
    EXPECT_TRUE(may()) << "it is about to start";

    // Whatever its epoch: a process is a process.
    book.take(report("s1", {worker(0, 9, 0, 1)}), 12, 0);
    EXPECT_TRUE(may());

    auto dead = worker(0, 9, 0, 1);
    dead.pid = 0;
    dead.restarts = 1;
    book.take(report("s1", {dead}), 13, 0);
    EXPECT_FALSE(may());
    book.take(report("s1", {}), 14, 0);
    EXPECT_FALSE(may()) << "it was told of";
}

TEST(ReportBook, AReportFromAfterAKillIsAProof) {
    ReportBook book;
    const cluster::WorkerSlot slot = on("s1", 1).workers.at(0);

    book.take(report("s1", {}), 100, 0);

    EXPECT_FALSE(book.may_have_process("wc-1-1", slot, 100));
    EXPECT_TRUE(book.may_have_process("wc-1-1", slot, 101));
}

TEST(ReportBook, WhoStillStartsAWorkerHasNotHeardOfTheKill) {
    const cluster::WorkerSlot slot = on("s1", 1).workers.at(0);
    for (const WorkerState state :
         {WorkerState::kStarting, WorkerState::kBackOff, WorkerState::kCrashLoop}) {
        ReportBook book;
        auto next = worker(0, 1, 1, 0);
        next.pid = 0;
        next.report.state = state;
        book.take(report("s1", {next}), 100, 0);
        EXPECT_TRUE(book.may_have_process("wc-1-1", slot, 100));

        next.report.state = WorkerState::kFinished;
        book.take(report("s1", {next}), 101, 0);
        EXPECT_FALSE(book.may_have_process("wc-1-1", slot, 100));
    }
}

TEST(ReportBook, HasFinishedOnlyWhenAllWorkersOfThisAssignmentHave) {
    ReportBook book;
    auto ended = worker(0, 1, 0, 1);
    ended.report.state = WorkerState::kFinished;
    book.take(report("s1", {ended}), 0, 0);

    EXPECT_TRUE(book.all_finished(on("s1", 1)));
    EXPECT_FALSE(book.all_finished(on("s1", 2)));
    EXPECT_FALSE(book.all_finished({}));
}

TEST(ReportBook, FindsQuantilesWithinBuckets) {
    EXPECT_FALSE(quantile_us({}, 0.5));
    EXPECT_FALSE(quantile_us({0, 0}, 0.5));
    EXPECT_DOUBLE_EQ(*quantile_us({0, 0, 0, 10}, 0.5), 6);   // Halfway from 4 to 8.
    EXPECT_DOUBLE_EQ(*quantile_us({0, 99, 0, 1}, 0.99), 2);  // The end of 1 to 2.
    EXPECT_DOUBLE_EQ(*quantile_us({4}, 0.5), 0.5);
    EXPECT_LE(*quantile_us({0, 99, 0, 1}, 0.999), 8);
}

}  // namespace
}  // namespace storm::nimbus

// Requests, output and failures of the commands. Method: a Nimbus that answers as it is told.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/detail/suggest.h>

#include "cli/config_commands.h"
#include "cli/failure.h"
#include "cli/listing.h"
#include "cli/logs.h"
#include "cli/operations.h"
#include "tests/cli/fake_nimbus.h"
#include "tests/cli/fake_time.h"

namespace storm::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json wc() {
    return Json::parse(R"({"name": "wc", "id": "wc-1-5", "status": "ACTIVE", "uptime_secs": 61,
        "settings": {"topology.workers": "2"},
        "executors": {"total": 5, "assigned": 4, "prepared": 3},
        "unassigned": ["no free slot: 2 wanted, 1 free on 1 supervisor"],
        "components": [
            {"id": "lines", "type": "spout", "executors": 1, "tasks": 1, "emitted": 31102,
             "transferred": 31102, "executed": 0, "acked": 31000, "failed": 2, "pending": 100,
             "errors": 0, "complete_latency_us": {"p50": 250, "p99": 1250, "p999": 2000}},
            {"id": "count", "type": "bolt", "executors": 4, "tasks": 4, "emitted": 0,
             "transferred": 0, "executed": 791000, "acked": 791000, "failed": 0, "pending": 0,
             "errors": 1, "complete_latency_us": null,
             "statuses": [{"task": 2, "text": "12\nof 40 files"}]}],
        "workers": [{"id": 0, "host": "alpha", "port": 6700, "pid": 42, "state": "RUNNING",
                     "restarts": 1, "incarnation": 1, "exit": "killed by signal 9",
                     "last_stderr": [], "metrics_url": "http://alpha:1/metrics", "supervisor": "s",
                     "log_url": "",
                     "executors": [{"component": "count", "first_task": 1, "last_task": 1},
                                   {"component": "count", "first_task": 2, "last_task": 3},
                                   {"component": "lines", "first_task": 5, "last_task": 5}]}],
        "errors": [{"component": "count", "task": 2, "error": "what, why\nline two", "count": 7,
                    "first_ms": 1732170000000, "time_ms": 1732173600000},
                   {"component": "", "task": 0, "error": "once", "count": 1,
                    "first_ms": 1732173600000, "time_ms": 1732173600000}]})");
}

FakeNimbus::Answer answers(const std::map<std::string, Json>& by_request) {
    return [by_request](const net::HttpRequest& request) {
        const auto found = by_request.find(request.method + ' ' + request.target);
        if (found == by_request.end()) {
            return json_response(404, {{"error", "there is no " + request.target}});
        }
        return json_response(200, found->second);
    };
}

std::string printed(Format format, const FakeNimbus& nimbus,
                    const std::function<void(const Config&, const Output&)>& command) {
    std::ostringstream out;
    command(nimbus.config(), {out, {}, format});
    return out.str();
}

ExitCode code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Failure& failure) {
        return failure.code();
    }
    return ExitCode::kDone;
}

TEST(Commands, ListPrintsATableNamesOrJson) {
    const Json answer = Json::parse(R"({"topologies": [
        {"name": "wc", "id": "wc-1-5", "status": "ACTIVE", "workers": 2, "executors": 5,
         "tasks": 5, "uptime_secs": 61}]})");
    const FakeNimbus nimbus(answers({{"GET /api/v1/topologies", answer}}));

    EXPECT_EQ(printed(Format::kTable, nimbus, list_topologies),
              "NAME  STATUS  WORKERS  EXECUTORS  TASKS  UPTIME  ID\n"
              "wc    ACTIVE        2          5      5   1m 1s  wc-1-5\n");
    EXPECT_EQ(printed(Format::kNames, nimbus, list_topologies), "wc\n");
    EXPECT_EQ(Json::parse(printed(Format::kJson, nimbus, list_topologies)), answer);
}

TEST(Commands, EmptyListsSaySo) {
    const FakeNimbus nimbus([](const net::HttpRequest&) {
        return json_response(200, Json::parse(R"({"topologies": [], "errors": []})"));
    });

    EXPECT_EQ(printed(Format::kTable, nimbus, list_topologies), "no topologies\n");
    EXPECT_EQ(printed(Format::kTable, nimbus, list_errors), "no errors\n");
    EXPECT_EQ(printed(Format::kNames, nimbus, list_topologies), "");
}

TEST(Commands, StatusShowsComponentsWorkersAndWhatIsWrong) {
    const FakeNimbus nimbus(answers({{"GET /api/v1/topologies/wc", wc()}}));
    const auto status = [](const Config& config, const Output& output) {
        show_status(config, "wc", output);
    };

    const std::string text = printed(Format::kTable, nimbus, status);

    EXPECT_THAT(text, HasSubstr("wc (wc-1-5)  ACTIVE  up 1m 1s\n"
                                "3 of 5 executors are prepared\n"
                                "no free slot: 2 wanted, 1 free on 1 supervisor\n"));
    EXPECT_THAT(text, HasSubstr("lines      spout          1      1   31,102         -   31,000  "
                                "     2     0      100  250 us  1.2 ms\n"));
    EXPECT_THAT(text, HasSubstr("0  alpha:6700   42  RUNNING         1  killed by signal 9  "
                                "http://alpha:1/metrics  count 1, 2-3, lines 5\n"));
    EXPECT_THAT(text, HasSubstr("\n  count (task 2): 12 of 40 files\n"));
    const std::string first = time_text(1'732'170'000'000), last = time_text(1'732'173'600'000);
    const std::string space(first.size(), ' ');
    EXPECT_THAT(text, HasSubstr(last + "      7  " + first + "  count         2  what, why\n"));
    EXPECT_THAT(
        text, HasSubstr("  line two\n" + last + "      1  " + space + "                   once\n"));
    EXPECT_EQ(Json::parse(printed(Format::kJson, nimbus, status)), wc());
}

TEST(Commands, StatusTellsOfAWorkerWhoseSupervisorIsAway) {
    for (const auto& [lease, shown] :
         std::map<std::string, std::string>{{"supervisor", "  LOST  "},
                                            {"nimbus", "  LOST, asks nimbus  "},
                                            {"nobody", "  LOST, reaches no nimbus  "}}) {
        Json topology = wc();
        topology["workers"][0]["state"] = "LOST";
        topology["workers"][0]["lease"] = lease;
        const FakeNimbus nimbus(answers({{"GET /api/v1/topologies/wc", topology}}));

        const std::string text = printed(
            Format::kTable, nimbus,
            [](const Config& config, const Output& output) { show_status(config, "wc", output); });

        EXPECT_THAT(text, HasSubstr(shown));
    }
}

TEST(Commands, AnUnknownTopologyIsNotFound) {
    const FakeNimbus nimbus(answers({}));

    EXPECT_EQ(code_of([&] {
                  std::ostringstream out;
                  show_status(nimbus.config(), "a b", {out, {}, Format::kTable});
              }),
              ExitCode::kNotFound);
    EXPECT_THAT(nimbus.asked(), ElementsAre("GET /api/v1/topologies/a%20b"));
}

TEST(Commands, ClustersThatAreNotWellFail) {
    const Json supervisors = Json::parse(R"({"supervisors": [{"slots": 4, "used_slots": 1}]})");
    const auto health = [&](const Json& said, const Json& listed) {
        const FakeNimbus nimbus(
            answers({{"GET /health", said}, {"GET /api/v1/supervisors", listed}}));
        return code_of([&] { printed(Format::kTable, nimbus, show_health); });
    };
    const Json well = {{"status", "ok"}, {"leader", "h:1"}, {"zookeeper", "connected"}};

    EXPECT_EQ(health(well, supervisors), ExitCode::kDone);
    EXPECT_EQ(health({{"status", "ok"}, {"leader", nullptr}}, supervisors), ExitCode::kFailed);
    EXPECT_EQ(health({{"status", "starting"}, {"leader", "h:1"}}, supervisors), ExitCode::kFailed);
    EXPECT_EQ(health(well, {{"supervisors", Json::array()}}), ExitCode::kFailed);
}

/// The topology is there for so many looks after it was killed, then gone or another one.
FakeNimbus::Answer killable(int looks, bool replaced) {
    return [left = looks + 1, replaced](const net::HttpRequest& request) mutable {
        if (request.method == "POST") return json_response(202, Json::object());
        if (left-- > 0) return json_response(200, wc());
        Json other = wc();
        other["id"] = "wc-2-9";
        return replaced ? json_response(200, other) : json_response(404, {{"error", "gone"}});
    };
}

TEST(Commands, KillWaitsUntilTheTopologyIsGone) {
    for (const bool replaced : {false, true}) {
        const FakeNimbus nimbus(killable(3, replaced));
        FakeTime time;
        std::ostringstream out;

        kill_topology(nimbus.config(), {"wc", 7, false}, time.patience(),
                      {out, {}, Format::kTable});

        EXPECT_EQ(out.str(), "killed \"wc\"\n");
        EXPECT_EQ(nimbus.requests().at(1).target, "/api/v1/topologies/wc/kill");
        EXPECT_EQ(nimbus.requests().at(1).body, R"({"wait_secs":7})");
        EXPECT_EQ(nimbus.requests().size(), 6U);
    }
}

TEST(Commands, KillDoesNotClaimWhatNobodyKnows) {
    const FakeNimbus nimbus([left = 1](const net::HttpRequest& request) mutable {
        if (request.method == "POST") return json_response(202, Json::object());
        if (left-- > 0) return json_response(200, wc());
        return json_response(404, {{"error", "there is none, but one worker"},
                                   {"may_still_run", "worker 0 on alpha:6700"}});
    });
    FakeTime time;
    std::ostringstream out;

    EXPECT_EQ(code_of([&] {
                  kill_topology(nimbus.config(), {"wc", 0, false}, time.patience(),
                                {out, {}, Format::kTable});
              }),
              ExitCode::kFailed);
    EXPECT_EQ(out.str(), "");
}

TEST(Commands, HealthTellsOfProblems) {
    const std::string text = health_text(
        {{"status", "degraded"}, {"leader", "h:1"}, {"problems", Json::array({"look at it"})}},
        {{"supervisors", Json::array()}}, {});

    EXPECT_THAT(text, HasSubstr("degraded"));
    EXPECT_THAT(text, HasSubstr("look at it\n"));
}

TEST(Commands, KillDoesNotWaitForEver) {
    const FakeNimbus nimbus(killable(1'000'000, false));
    FakeTime time;
    std::ostringstream out;

    EXPECT_EQ(code_of([&] {
                  kill_topology(nimbus.config(), {"wc", 0, false}, time.patience(),
                                {out, {}, Format::kTable});
              }),
              ExitCode::kFailed);
    EXPECT_NEAR(static_cast<double>(time.now()), 30e6, 1e6);
}

TEST(Commands, KillDetachedOnlyAsks) {
    const FakeNimbus nimbus(killable(1'000'000, false));
    FakeTime time;
    std::ostringstream out;

    kill_topology(nimbus.config(), {"wc", std::nullopt, true}, time.patience(),
                  {out, {}, Format::kTable});

    EXPECT_EQ(nimbus.requests().size(), 2U);
    EXPECT_EQ(nimbus.requests().at(1).body, "{}");
    EXPECT_EQ(time.now(), 0);
}

/// The topology drains for so many looks after the rebalance, then runs.
FakeNimbus::Answer rebalanceable(int looks) {
    return [looks, left = looks + 1](const net::HttpRequest& request) mutable {
        if (request.method == "POST") return json_response(202, Json::object());
        Json topology = wc();
        topology["settings"]["topology.message.timeout.secs"] = "30";
        if (--left == looks) return json_response(200, topology);
        topology["executors"]["prepared"] = 5;
        topology["executors"]["assigned"] = 5;
        topology["unassigned"] = Json::array();
        if (left >= 0) topology["status"] = "REBALANCING";
        return json_response(200, topology);
    };
}

TEST(Commands, RebalanceAsksAndWaitsUntilItRunsAgain) {
    const FakeNimbus nimbus(rebalanceable(3));
    FakeTime time;
    std::ostringstream out;

    rebalance(nimbus.config(), {"wc", 3, {"count=4", "a=b=2"}, 7, false}, time.patience(),
              {out, {}, Format::kTable});

    EXPECT_THAT(out.str(),
                ::testing::StartsWith("rebalancing \"wc\"; it drains for at most 7s\nit runs: "));
    EXPECT_EQ(nimbus.requests().at(1).target, "/api/v1/topologies/wc/rebalance");
    EXPECT_EQ(nimbus.requests().at(1).body,
              R"({"workers":3,"wait_secs":7,"executors":{"count":4,"a=b":2}})");
    EXPECT_GE(nimbus.requests().size(), 6U);
}

TEST(Commands, RebalanceDoesNotWaitForEver) {
    const FakeNimbus nimbus(rebalanceable(1'000'000));
    FakeTime time;
    std::ostringstream out;

    EXPECT_EQ(code_of([&] {
                  rebalance(nimbus.config(), {"wc", {}, {}, {}, false}, time.patience(),
                            {out, {}, Format::kTable});
              }),
              ExitCode::kFailed);
    EXPECT_NEAR(static_cast<double>(time.now()), 90e6, 1e6)
        << "30 s of draining, and as in limits.h";
}

TEST(Commands, RebalanceRefusesWhatIsNoNumberOfExecutorsBeforeItAsks) {
    for (const char* const wrong :
         {"count", "count=", "=4", "count=x", "count=4x", "count=-1", "count=0", "count=1048576"}) {
        const FakeNimbus nimbus(rebalanceable(1));
        FakeTime time;
        std::ostringstream out;

        EXPECT_EQ(code_of([&] {
                      rebalance(nimbus.config(), {"wc", {}, {wrong}, {}, false}, time.patience(),
                                {out, {}, Format::kTable});
                  }),
                  ExitCode::kUsage)
            << wrong;
        EXPECT_THAT(nimbus.asked(), ::testing::IsEmpty());
    }
    const FakeNimbus nimbus(rebalanceable(1));
    FakeTime time;
    std::ostringstream out;
    EXPECT_EQ(code_of([&] {
                  rebalance(nimbus.config(), {"wc", {}, {"count=4", "count=5"}, {}, false},
                            time.patience(), {out, {}, Format::kTable});
              }),
              ExitCode::kUsage);
}

TEST(Commands, ActivationOfTheWrongStatusIsAConflict) {
    const FakeNimbus nimbus([](const net::HttpRequest&) {
        return json_response(409, {{"error", "\"wc\" is KILLED"}});
    });
    std::ostringstream out;

    EXPECT_EQ(code_of([&] {
                  activate(nimbus.config(), "wc", {out, {}, Format::kTable});
              }),
              ExitCode::kConflict);
    EXPECT_THAT(nimbus.asked(), ElementsAre("POST /api/v1/topologies/wc/activate"));
}

// ---- Logs --------------------------------------------------------------------------------------

/// A Supervisor and a Nimbus in one: /log/N/stderr has `content`.
FakeNimbus::Answer with_log(const std::string* address, const std::string& content, int workers) {
    return [=](const net::HttpRequest& request) {
        if (request.target == "/api/v1/topologies/wc") {
            Json topology = wc();
            topology["workers"] = Json::array();
            for (int i = 0; i < workers; ++i) {
                topology["workers"].push_back(
                    {{"id", i}, {"log_url", *address + "/log/" + std::to_string(i)}});
            }
            return json_response(200, topology);
        }
        if (request.target == "/api/v1/supervisors") {
            return json_response(200, {{"supervisors", Json::array()}});
        }
        const std::size_t at = request.target.find("offset=") + 7;
        const long asked = std::stol(request.target.substr(at));
        const long from = asked < 0 ? 0 : asked;
        net::HttpResponse response;
        response.body = content.substr(static_cast<std::size_t>(from), 5);
        response.headers = {{"X-Storm-Offset", std::to_string(from)},
                            {"X-Storm-Size", std::to_string(content.size())}};
        return response;
    };
}

std::string logs_of(int workers, const Logs& logs) {
    std::string address;
    const FakeNimbus nimbus(with_log(&address, "first\nsecond\nthird", workers));
    address = nimbus.url();
    FakeTime time;
    std::ostringstream out;
    std::ostringstream err;
    show_logs(nimbus.config(), logs, time.patience(), out, err);
    return out.str();
}

TEST(Commands, LogsAreReadToTheirEnd) {
    EXPECT_EQ(logs_of(1, {.topology = "wc", .worker = {}}), "first\nsecond\nthird\n");
}

TEST(Commands, LogsOfSeveralWorkersAreToldApart) {
    EXPECT_EQ(logs_of(2, {.topology = "wc", .worker = {}}),
              "[worker 0] first\n[worker 0] second\n[worker 0] third\n"
              "[worker 1] first\n[worker 1] second\n[worker 1] third\n");
    EXPECT_EQ(logs_of(2, {.topology = "wc", .worker = 1}), "first\nsecond\nthird\n");
}

/// Supervisors that have a log of worker 0 each, and a Nimbus that says what `topology` does.
struct LogCluster {
    using Topology = std::function<net::HttpResponse()>;

    explicit LogCluster(Topology topology)
        : nimbus([this, topology = std::move(topology)](const net::HttpRequest& request) {
              if (request.target != "/api/v1/supervisors") return topology();
              return json_response(
                  200,
                  {{"supervisors", {{{"host", "127.0.0.1"}, {"http_port", supervisor.port()}}}}});
          }) {}

    std::string shown(const Logs& logs) {
        FakeTime time;
        std::ostringstream out;
        show_logs(nimbus.config(), logs, time.patience(), out, err);
        return out.str();
    }
    Json worker(const std::string& url, int number) const {
        return {{"id", number}, {"log_url", url + "/api/v1/logs/wc-1/" + std::to_string(number)}};
    }

    FakeNimbus supervisor{[](const net::HttpRequest& request) {
        if (request.target.find("/wc-1/0/stdout?") == std::string::npos)
            return json_response(404, {{"error", "there is no such log"}});
        net::HttpResponse response;
        response.body = request.target.find("offset=5") == std::string::npos ? "dog 3" : "";
        response.headers = {{"X-Storm-Size", "5"}};
        return response;
    }};
    FakeNimbus nimbus;
    std::ostringstream err;
};

TEST(Commands, LogsOfAFinishedTopologyAreFoundWhereItRan) {
    LogCluster cluster([] {
        return json_response(200,
                             {{"id", "wc-1"}, {"status", "FINISHED"}, {"workers", Json::array()}});
    });

    EXPECT_EQ(cluster.shown({.topology = "wc", .worker = {}, .stream = "stdout"}), "dog 3\n");
}

TEST(Commands, ALogThatCannotBeReadDoesNotHideTheOthers) {
    LogCluster* self = nullptr;
    LogCluster cluster([&self] {
        return json_response(200, {{"id", "wc-1"},
                                   {"status", "ACTIVE"},
                                   {"workers",
                                    {self->worker("http://" + deaf_address(), 1),
                                     self->worker(self->supervisor.url(), 0)}}});
    });
    self = &cluster;
    std::string shown;

    EXPECT_EQ(code_of([&] {
                  FakeTime time;
                  std::ostringstream out;
                  try {
                      show_logs(cluster.nimbus.config(),
                                {.topology = "wc", .worker = {}, .stream = "stdout"},
                                time.patience(), out, cluster.err);
                  } catch (const Failure&) {
                      shown = out.str();
                      throw;
                  }
              }),
              ExitCode::kUnreachable);
    EXPECT_EQ(shown, "[worker 0] dog 3\n");
}

TEST(Commands, FollowedLogsEndWithTheTopology) {
    int asked = 0;
    LogCluster* self = nullptr;
    LogCluster cluster([&] {
        if (++asked > 3) return json_response(404, {{"error", "there is no topology \"wc\""}});
        if (asked == 2) return json_response(503, {{"error", "no Nimbus leads at the moment"}});
        return json_response(200, {{"id", "wc-1"},
                                   {"status", "ACTIVE"},
                                   {"workers", {self->worker(self->supervisor.url(), 0)}}});
    });
    self = &cluster;

    EXPECT_EQ(cluster.shown({.topology = "wc", .worker = {}, .stream = "stdout", .follow = true}),
              "dog 3\n");
    EXPECT_THAT(cluster.err.str(), HasSubstr("\"wc\" is gone"));
}

TEST(Commands, LogsOfAWorkerThatIsNotThereAreNotFound) {
    EXPECT_EQ(code_of([] { logs_of(2, {.topology = "wc", .worker = 2}); }), ExitCode::kNotFound);
    EXPECT_EQ(code_of([] { logs_of(0, {.topology = "wc", .worker = {}}); }), ExitCode::kNotFound);
}

// ---- Settings ----------------------------------------------------------------------------------

TEST(Commands, ASettingIsExplainedWithWhatItIsHere) {
    cluster::LayeredSettings settings;
    settings.config.set("topology.workers", "3");
    settings.origins["topology.workers"] = "a.yaml";
    std::ostringstream out;

    explain_setting("topology.workers", settings, {out, {}, Format::kTable});

    EXPECT_THAT(out.str(), HasSubstr("takes    an integer from 1 to 1000\n"));
    EXPECT_THAT(out.str(), HasSubstr("default  1\n"));
    EXPECT_THAT(out.str(), HasSubstr("here     3  (a.yaml)\n"));
}

TEST(Commands, AnUnknownSettingIsNotFoundWithASuggestion) {
    std::ostringstream out;
    try {
        explain_setting("topology.wokers", {}, {out, {}, Format::kTable});
        FAIL() << out.str();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.code(), ExitCode::kNotFound);
        EXPECT_EQ(failure.hint(), "did you mean \"topology.workers\"?");
    }
}

}  // namespace
}  // namespace storm::cli

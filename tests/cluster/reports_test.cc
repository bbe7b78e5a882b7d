// Goal:   a Supervisor's report comes back as it was, and whatever is sent instead is refused with
//         the member that is wrong.
// Method: any report; the same with one member changed; truncated and flipped text.

#include "cluster/reports.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cluster/any_record.h"

namespace storm::cluster {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

SupervisorReport any_report(AnyRecord& any) {
    SupervisorReport report{any.id(), any.id(), any.port(), {}};
    for (std::uint32_t i = any.below(4); i > 0; --i) {
        WorkerStatus worker;
        worker.topology = any.name();
        worker.number = any.below(kWorkersMax);
        worker.incarnation = ~std::uint64_t{any.below(9)};
        worker.port = any.port();
        worker.pid = static_cast<std::int32_t>(any.below(1 << 22));
        worker.restarts = any.below(9);
        worker.last_stderr = {"line", "Zeile \u00fc \"quoted\""};
        worker.exit = "killed by signal 9";
        worker.report = any.report();
        worker.report.state = static_cast<WorkerState>(any.below(6));
        worker.report.failure = any.name();
        for (ComponentReport& component : worker.report.components) {
            component.last_errors = {{any.name(), any.below(9), any.below(9)}};
            component.statuses = {{any.below(9), any.name()}};
        }
        report.workers.push_back(worker);
    }
    return report;
}

RC_GTEST_PROP(Reports, ComeBackAsTheyWere, (std::uint64_t seed)) {
    AnyRecord any(seed);
    const SupervisorReport report = any_report(any);

    const auto read = supervisor_report(to_json(report));

    if (!read) RC_FAIL(read.error().message);
    RC_ASSERT(*read == report);
}

RC_GTEST_PROP(Reports, SurviveFlippedBits, (std::uint64_t seed)) {
    AnyRecord any(seed);
    std::string json = to_json(any_report(any));
    for (std::uint32_t flips = any.below(6); flips > 0; --flips) {
        char& c = json[any.below(static_cast<std::uint32_t>(json.size()))];
        c = static_cast<char>(c ^ 1 << any.below(8));
    }

    (void)supervisor_report(json).has_value();
    (void)supervisor_report(json.substr(0, any.below(200))).has_value();
}

TEST(Reports, AreUtf8WhateverUserCodePrinted) {
    SupervisorReport report{"s", "h", 8000, {WorkerStatus()}};
    report.workers[0].topology = "wc";
    report.workers[0].last_stderr = {"\xff\xfe"};

    const auto read = supervisor_report(to_json(report));

    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->workers[0].last_stderr[0], "\ufffd\ufffd");
}

TEST(Reports, OfOneVersionAreReadByTheOther) {
    SupervisorReport report{"s", "h", 8000, {WorkerStatus()}};
    report.workers[0].topology = "wc";
    report.workers[0].report.components.resize(1);
    ComponentReport& component = report.workers[0].report.components[0];
    component.id = "count";
    component.last_errors = {{"no shop 17", 5, 3}};
    component.statuses = {{3, "12 of 40"}};
    component.opening_task = 3;
    Json json = Json::parse(to_json(report));
    Json& told = json["workers"][0]["report"]["components"][0];

    // An older Nimbus takes each for one that came once.
    EXPECT_EQ(told["last_errors"], Json::array({"no shop 17"}));

    // An older worker counts none, and says less.
    for (const char* const newer :
         {"error_counts", "error_tasks", "statuses", "opening_task", "opening_secs"})
        told.erase(newer);
    const auto read = supervisor_report(json.dump());
    ASSERT_TRUE(read) << read.error().message;
    const ComponentReport& older = read->workers[0].report.components[0];
    EXPECT_EQ(older.last_errors, (std::vector<ReportedError>{{"no shop 17", 0, 0}}));
    EXPECT_TRUE(older.statuses.empty());
    EXPECT_EQ(older.opening_task, 0U);
}

std::string refusal(const Json& json) {
    const auto read = supervisor_report(json.dump());
    return read ? "taken" : read.error().message;
}

TEST(Reports, AreRefusedWithTheMemberThatIsWrong) {
    AnyRecord any(1);
    SupervisorReport report{"s", "h", 8000, {WorkerStatus()}};
    report.workers[0].topology = "wc";
    report.workers[0].report.components = {any.component()};
    const Json good = Json::parse(to_json(report));
    const auto with = [&](const char* pointer, const Json& value) {
        Json changed = good;
        changed[Json::json_pointer(pointer)] = value;
        return refusal(changed);
    };

    EXPECT_EQ(refusal(good), "taken");
    EXPECT_EQ(with("/of_a_newer_version", 1), "taken");
    EXPECT_THAT(with("/supervisor", 1), HasSubstr("supervisor is not a string"));
    EXPECT_THAT(with("/supervisor", "a/b"), HasSubstr("supervisor is not a supervisor's id"));
    EXPECT_THAT(with("/http_port", 70000), HasSubstr("http_port is not a whole number that fits"));
    EXPECT_THAT(with("/http_port", -1), HasSubstr("http_port"));
    EXPECT_THAT(with("/http_port", 1.5), HasSubstr("http_port"));
    EXPECT_THAT(with("/workers", 1), HasSubstr("workers is not a list"));
    EXPECT_THAT(with("/workers/0", 1), HasSubstr("workers[0] is not an object"));
    EXPECT_THAT(with("/workers/0/port", "x"), HasSubstr("workers[0].port is not a whole number"));
    EXPECT_THAT(with("/workers/0/topology", "../x"), HasSubstr("workers[0].topology"));
    EXPECT_THAT(with("/workers/0/report/state", "DANCING"), HasSubstr("report.state"));
    EXPECT_THAT(with("/workers/0/report/components/0/emitted", -5),
                HasSubstr("workers[0].report.components[0].emitted"));
    EXPECT_THAT(with("/workers/0/report/components/0/complete_latency", Json(Json::array_t(65, 1))),
                HasSubstr("complete_latency is too long"));
    EXPECT_THAT(refusal(Json::array()), HasSubstr("it is not an object"));
    EXPECT_THAT(refusal(Json::object()), HasSubstr("supervisor is missing"));
    EXPECT_FALSE(supervisor_report("{"));
    EXPECT_FALSE(supervisor_report(std::string(100'000, '[')));
}

}  // namespace
}  // namespace storm::cluster

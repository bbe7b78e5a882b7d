// Goal:   a request is taken only if all of it is good, and else the mistake is named.
// Method: a good one, with one thing wrong at a time.

#include "nimbus/api/requests.h"

#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/nimbus/described.h"

namespace storm::nimbus {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json good() {
    return {
        {"name", "wc"},
        {"description", json::parse(tests::describe_json(tests::word_count(2)))},
        {"settings", {{"topology.workers", "2"}, {"input", "a.txt"}}},
        {"artifacts",
         {{{"name", "word-count"}, {"sha256", std::string(64, 'a')}, {"mode", 493}, {"bytes", 9}},
          {{"name", "book.txt"}, {"sha256", std::string(64, 'b')}, {"mode", 420}, {"bytes", 0}}}},
        {"inactive", true}};
}

std::string mistake(const std::function<void(json&)>& spoil) {
    json request = good();
    spoil(request);
    const auto read = read_submission(request.dump());
    return read ? "taken" : read.error().message;
}

TEST(Requests, TakesASubmission) {
    const auto read = read_submission(good().dump());

    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->record.name, "wc");
    EXPECT_EQ(read->record.status, cluster::Status::kInactive);
    EXPECT_EQ(read->record.settings.at("input"), "a.txt");
    ASSERT_EQ(read->record.artifacts.size(), 2U);
    EXPECT_EQ(read->record.artifacts[0].mode, 0755U);
    EXPECT_EQ(read->description.components.size(), 3U);
    EXPECT_TRUE(cluster::read_description(read->record.description));
}

TEST(Requests, NamesTheMistake) {
    const auto set = [](const char* path, const json& value) {
        return mistake([&](json& request) { request[json::json_pointer(path)] = value; });
    };
    const auto drop = [](const char* key) {
        return mistake([&](json& request) { request.erase(key); });
    };
    EXPECT_EQ(drop("name"), "name is missing");
    EXPECT_EQ(drop("description"), "description is missing");
    EXPECT_EQ(drop("artifacts"), "artifacts is missing");
    EXPECT_EQ(drop("settings"), "taken");
    EXPECT_EQ(drop("inactive"), "taken");
    EXPECT_EQ(set("/name", 7), "name is not a string");
    EXPECT_EQ(set("/inactive", "yes"), "inactive is neither true nor false");
    EXPECT_EQ(set("/settings", json::array()), "settings is not an object");
    EXPECT_EQ(set("/settings/topology.workers", 2), "settings.topology.workers is not a string");
    EXPECT_THAT(set("/settings/topology.workerz", "2"), ::testing::HasSubstr("topology.workers"));
    EXPECT_THAT(set("/settings/topology.workers", "many"), ::testing::HasSubstr("many"));
    EXPECT_EQ(set("/artifacts", json::array()), "artifacts is empty; the first one is the program");
    EXPECT_EQ(set("/artifacts/0/mode", 04755), "artifacts[0].mode has more than permissions");
    EXPECT_EQ(set("/artifacts/0/bytes", -1), "artifacts[0].bytes is not a whole number that fits");
    EXPECT_EQ(set("/artifacts/1/name", "word-count"),
              "artifacts[1].name is that of another artifact too");
    EXPECT_EQ(set("/artifacts/0/sha256", std::string(64, 'A')),
              "artifacts[0].sha256 is not 64 hex digits in lower case");
    EXPECT_THAT(set("/description/components", json::array()),
                ::testing::HasSubstr("it has no components"));
    EXPECT_EQ(read_submission("[]").error().message, "the request is not a JSON object");
    EXPECT_EQ(read_submission("{").error().message, "the request is not a JSON object");
    EXPECT_EQ(read_submission("").error().message, "the request is not a JSON object");
}

TEST(Requests, Cve20188008FilesGoNowhereButTheirFolder) {
    for (const char* name : {"../x", "a/b", "/etc/cron.d/x", "..", ".", "", "a\\\\b/c", "a\nb"}) {
        EXPECT_EQ(mistake([&](json& request) { request["artifacts"][0]["name"] = name; }),
                  "artifacts[0].name is not a plain file name")
            << name;
    }
}

TEST(Requests, NamesOfTopologiesAreStormsAndGoodForFolders) {
    for (const char* name : {"wc", "a-b_c", "0", "Word-Count-2"}) EXPECT_TRUE(check_name(name));
    for (const std::string& name :
         {std::string(), std::string("a/b"), std::string("a.b"), std::string("a:b"),
          std::string("a\\b"), std::string(".."), std::string("-rf"), std::string("a b"),
          std::string("\xc3\xa9"), std::string("a\0b", 3), std::string(101, 'a'),
          std::string("$(id)"), std::string("a;b")}) {
        EXPECT_FALSE(check_name(name)) << name;
    }
}

TEST(Requests, SurvivesDepth) {
    const std::string deep(500'000, '[');
    EXPECT_FALSE(read_submission(deep));
    EXPECT_FALSE(read_submission("{\"description\": " + deep + std::string(500'000, ']') + '}'));
    EXPECT_FALSE(read_kill_wait(deep));
}

TEST(Requests, ReadsTheWaitOfAKill) {
    EXPECT_EQ(read_kill_wait("").value(), std::nullopt);
    EXPECT_EQ(read_kill_wait(" \n").value(), std::nullopt);
    EXPECT_EQ(read_kill_wait("{}").value(), std::nullopt);
    EXPECT_EQ(read_kill_wait("{\"wait_secs\": 0}").value(), 0);
    EXPECT_EQ(read_kill_wait("{\"wait_secs\": 30}").value(), 30'000);
    EXPECT_EQ(read_kill_wait("{\"wait\": 1}").error().message,
              "there is no \"wait\" in a kill; there is \"wait_secs\"");
    EXPECT_EQ(read_kill_wait("{\"wait_secs\": -1}").error().message,
              "wait_secs is not between 0 and 86400");
    EXPECT_EQ(read_kill_wait("{\"wait_secs\": 86401}").error().message,
              "wait_secs is not between 0 and 86400");
    EXPECT_EQ(read_kill_wait("{\"wait_secs\": 1e400}").error().message,
              "the request is not a JSON object");
    EXPECT_FALSE(read_kill_wait("{\"wait_secs\": \"30\"}"));
    EXPECT_FALSE(read_kill_wait("{\"wait_secs\": 1.5}"));
    EXPECT_FALSE(read_kill_wait("30"));
}

TEST(Requests, ExecutorsThatNoComponentCanHaveAreRefusedAtTheSubmit) {
    const auto why = [](const char* executors) {
        json request = good();
        request["settings"]["topology.component.executors"] = executors;
        const auto read = read_submission(request.dump());
        return read ? std::string("taken") : read.error().message;
    };
    EXPECT_EQ(why(R"(["count=2"])"), "taken");
    for (const char* const wrong : {"abc", "a=", "=2", "count=999999999999999999999999999999"})
        EXPECT_THAT(why(wrong), HasSubstr("which is not COMPONENT=N")) << wrong;
    EXPECT_THAT(why("cuont=1"), HasSubstr("there is no component \"cuont\""));
    EXPECT_THAT(why("count=3"), HasSubstr("can have 1 to 2 executors"));
}

TEST(Requests, ARebalanceSaysWhatIsToChange) {
    EXPECT_EQ(read_rebalance("")->change, cluster::Rebalance{});
    EXPECT_EQ(read_rebalance("")->wait_ms, std::nullopt);
    const auto asked =
        read_rebalance(R"({"workers": 3, "executors": {"count": 4}, "wait_secs": 5})").value();
    EXPECT_EQ(asked.wait_ms, 5'000);
    EXPECT_EQ(asked.change, (cluster::Rebalance{.workers = 3, .executors = {{"count", 4}}}));
}

TEST(Requests, ARebalanceIsRefusedByTheMemberThatIsWrong) {
    const auto why = [](const char* body) {
        const auto read = read_rebalance(body);
        return read ? std::string("taken") : read.error().message;
    };
    EXPECT_EQ(why(R"({"worker": 3})"),
              "there is no \"worker\" in a rebalance; there is \"wait_secs\", \"workers\", "
              "\"executors\"");
    EXPECT_THAT(why(R"({"workers": 0})"), HasSubstr("workers"));
    EXPECT_THAT(why(R"({"workers": 1001})"), HasSubstr("workers"));
    EXPECT_THAT(why(R"({"workers": -1})"), HasSubstr("workers"));
    EXPECT_THAT(why(R"({"workers": "3"})"), HasSubstr("workers"));
    EXPECT_THAT(why(R"({"executors": ["count"]})"), HasSubstr("executors"));
    EXPECT_THAT(why(R"({"executors": {"count": -1}})"), HasSubstr("count"));
    EXPECT_THAT(why(R"({"executors": {"count": 1.5}})"), HasSubstr("count"));
    EXPECT_THAT(why(R"({"wait_secs": 86401})"), HasSubstr("wait_secs"));
    EXPECT_THAT(why(R"({"wait_secs": 9223372036854775807})"), HasSubstr("wait_secs"));
    EXPECT_EQ(why("[]"), "the request is not a JSON object");
}

}  // namespace
}  // namespace storm::nimbus

// Goal:   the daemons learn of a topology what --describe says of it, and refuse what cannot be.
// Method: a description by hand, the same with one member changed.
// tests/worker/run/describe_test.cc
//         reads a real one.

#include "cluster/description.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cluster/limits.h"

namespace storm::cluster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

const char* const kGood = R"({
    "format": 1, "name": "wc", "storm_version": "0.1.0", "machine": "x86_64", "glibc": "2.36",
    "cpu_features": ["sse4_2", "popcnt"], "settings": {},
    "components": [
        {"id": "split", "kind": "bolt", "parallelism": 2, "tasks": 4,
         "inputs": [{"source": "lines", "stream": "default", "grouping": "shuffle"}]},
        {"id": "lines", "kind": "spout", "parallelism": 1, "tasks": 1, "inputs": []},
        {"id": "count", "kind": "bolt", "parallelism": 3, "tasks": 3,
         "inputs": [{"source": "split", "stream": "default", "grouping": "fields"}]}]})";

std::string refusal(const Json& json) {
    const auto read = read_description(json.dump());
    return read ? "taken" : read.error().message;
}

std::string with(const char* pointer, const Json& value) {
    Json changed = Json::parse(kGood);
    changed[Json::json_pointer(pointer)] = value;
    return refusal(changed);
}

TEST(Description, HasWhatTheProgramSaidOfItself) {
    const auto read = read_description(kGood);

    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->name, "wc");
    EXPECT_EQ(read->machine, "x86_64");
    EXPECT_EQ(read->glibc, "2.36");
    EXPECT_THAT(read->cpu_features, ElementsAre("sse4_2", "popcnt"));
    ASSERT_EQ(read->components.size(), 3);
    EXPECT_EQ(read->components[0].tasks, 4);
    EXPECT_EQ(read->components[0].inputs[0].source, "lines");
    EXPECT_TRUE(read->components[1].is_spout);
}

TEST(Description, NumbersExecutorsByComponentId) {
    const auto read = read_description(kGood);

    ASSERT_TRUE(read);
    EXPECT_THAT(read->component_of_executor(), ElementsAre(2, 2, 2, 1, 0, 0));
}

TEST(Description, CanHaveOtherNumbersOfExecutors) {
    const auto read = read_description(with_executors(kGood, {{"split", 3}, {"count", 1}}));

    ASSERT_TRUE(read) << read.error().message;
    EXPECT_THAT(read->component_of_executor(), ElementsAre(2, 1, 0, 0, 0));
    EXPECT_EQ(read->components[0].tasks, 4);
    EXPECT_EQ(read->components[2].tasks, 3);
    EXPECT_EQ(read->cpu_features, read_description(kGood)->cpu_features);
}

TEST(Description, IsRefusedWithTheMemberThatIsWrong) {
    EXPECT_EQ(with("/settings", 1), "taken");
    EXPECT_THAT(with("/format", 2), HasSubstr("format is 2"));
    EXPECT_THAT(with("/name", nullptr), HasSubstr("name is missing"));
    EXPECT_THAT(with("/components", Json::array()), HasSubstr("no components"));
    EXPECT_THAT(with("/components/0/id", "a b"), HasSubstr("components[0].id"));
    EXPECT_THAT(with("/components/0/id", "lines"), HasSubstr("two components are \"lines\""));
    EXPECT_THAT(with("/components/0/kind", "sink"), HasSubstr("neither spout nor bolt"));
    EXPECT_THAT(with("/components/0/parallelism", 0), HasSubstr("below 1"));
    EXPECT_THAT(with("/components/0/parallelism", -3), HasSubstr("below 1"));
    EXPECT_THAT(with("/components/0/parallelism", 5), HasSubstr("fewer than executors"));
    EXPECT_THAT(with("/components/0/tasks", kTasksMax), HasSubstr("tasks; at most"));
    EXPECT_THAT(with("/components/0/tasks", 1e30), HasSubstr("not a whole number"));
    EXPECT_THAT(with("/components/0/inputs/0/source", "nobody"), HasSubstr("\"nobody\""));
    EXPECT_THAT(with("/components/1/inputs", Json::parse(kGood)["components"][0]["inputs"]),
                HasSubstr("are a spout's"));
    EXPECT_FALSE(read_description("{\"format\": 1"));
    EXPECT_FALSE(read_description(""));
    EXPECT_FALSE(read_description("[]"));
}

}  // namespace
}  // namespace storm::cluster

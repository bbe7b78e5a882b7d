// --describe says all that a submitter needs, and the same each time. Method: golden text.

#include "worker/run/describe.h"

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cluster/description.h"
#include "tests/worker/run/small_topology.h"

namespace storm::worker {
namespace {

using Json = nlohmann::ordered_json;

TEST(Describe, SaysAllThatASubmitterNeeds) {
    const Config config = config_of({{"topology.workers", "2"}, {"mine", "\xff"}});

    const Json described =
        Json::parse(describe("crawler", small_topology(), config, {"x86_64", "2.36", {"sse4_2"}}));

    EXPECT_EQ(described, Json::parse(R"({
        "format": 1, "name": "crawler", "storm_version": ")" STORM_VERSION R"(",
        "machine": "x86_64", "glibc": "2.36", "cpu_features": ["sse4_2"],
        "settings": {"mine": "\ufffd", "topology.workers": "2"},
        "components": [
            {"id": "sink", "kind": "bolt", "parallelism": 1, "tasks": 1, "blocking": false,
             "tick_ms": 1500, "settings": {}, "streams": [],
             "inputs": [{"source": "crawl", "stream": "default", "grouping": "fields",
                         "fields": ["url"]},
                        {"source": "lines", "stream": "default", "grouping": "all",
                         "fields": []}]},
            {"id": "crawl", "kind": "bolt", "parallelism": 2, "tasks": 3, "blocking": false,
             "tick_ms": null, "settings": {"topology.max.tuple.bytes": "2048"},
             "streams": [{"name": "default", "fields": [{"name": "url", "kind": "string"}],
                          "direct": false},
                         {"name": "again", "fields": [{"name": "url", "kind": "any"}],
                          "direct": true}],
             "inputs": [{"source": "lines", "stream": "default", "grouping": "shuffle",
                         "fields": []},
                        {"source": "crawl", "stream": "again", "grouping": "direct",
                         "fields": []}]},
            {"id": "lines", "kind": "spout", "parallelism": 1, "tasks": 1, "blocking": true,
             "tick_ms": null, "settings": {},
             "streams": [{"name": "default",
                          "fields": [{"name": "path", "kind": "any"},
                                     {"name": "line", "kind": "string"}],
                          "direct": false}],
             "inputs": []}
        ]})"));
}

TEST(Describe, NamesProcessorFeaturesAsTheKernelDoes) {
    std::ifstream cpuinfo("/proc/cpuinfo");
    const std::string text((std::istreambuf_iterator<char>(cpuinfo)), {});

    const std::vector<std::string> features = this_platform().cpu_features;

#ifdef __SSE4_2__
    EXPECT_FALSE(features.empty());
#endif
    for (const std::string& feature : features) {
        EXPECT_NE(text.find(" " + feature + " "), std::string::npos) << feature;
    }
}

TEST(Describe, SaysNoSecrets) {
    TopologyBuilder t;
    t.spout<NoLines>("lines").set("db.password", "hunter2");

    const std::string text = describe(
        "crawler", t.build(),
        config_of(
            {{"url", "a://b:hunter2@c"}, {"pin", "hunter2"}, {"topology.secret.settings", "pin"}}),
        this_platform());

    EXPECT_NE(text.find("\"db.password\": \"<secret>\""), std::string::npos) << text;
    EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

TEST(Describe, IsWhatTheDaemonsRead) {
    const auto read =
        cluster::read_description(describe("crawler", small_topology(), Config(), this_platform()));

    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->name, "crawler");
    EXPECT_EQ(read->machine, this_platform().machine);
    EXPECT_EQ(read->cpu_features, this_platform().cpu_features);
    ASSERT_EQ(read->components.size(), 3);
    EXPECT_EQ(read->components[1].id, "crawl");
    EXPECT_EQ(read->components[1].executors, 2);
    EXPECT_EQ(read->components[1].tasks, 3);
    EXPECT_FALSE(read->components[1].is_spout);
    EXPECT_TRUE(read->components[2].is_spout);
    EXPECT_EQ(read->components[0].inputs[0].grouping, "fields");
    EXPECT_EQ(read->component_of_executor(), (std::vector<std::size_t>{1, 1, 2, 0}));
}

}  // namespace
}  // namespace storm::worker

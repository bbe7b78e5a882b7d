// --describe says all that a submitter needs, and the same each time. Method: golden text.

#include "worker/run/describe.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/worker/run/small_topology.h"

namespace storm::worker {
namespace {

using Json = nlohmann::ordered_json;

TEST(Describe, SaysAllThatASubmitterNeeds) {
    const Config config = config_of({{"topology.workers", "2"}, {"mine", "\xff"}});

    const Json described =
        Json::parse(describe("crawler", small_topology(), config, {"x86_64", "2.36"}));

    EXPECT_EQ(described, Json::parse(R"({
        "format": 1, "name": "crawler", "storm_version": ")" STORM_VERSION R"(",
        "machine": "x86_64", "glibc": "2.36",
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

}  // namespace
}  // namespace storm::worker

// A failure that names a relative path says where such paths begin. Method: texts by hand.

#include "worker/serve/relative_paths.h"

#include <gtest/gtest.h>

namespace storm::worker {
namespace {

Config config_of(const char* key, const char* value) {
    Config config;
    config.set(key, value);
    return config;
}

const std::string kFailure = "cannot prepare \"conversion\": cannot write \"out/conversion.csv\"";

TEST(RelativePaths, OfTheUsersOwnSettingsAreExplained) {
    EXPECT_EQ(
        with_path_hint(kFailure, config_of("out", "out"), "/w/0"),
        kFailure + "; if \"out\" is a path: relative paths begin at the worker's folder, /w/0");
    EXPECT_EQ(with_path_hint("no file in.txt", config_of("input", "in.txt"), "/w/0"),
              "no file in.txt; if \"in.txt\" is a path: relative paths begin at the worker's "
              "folder, /w/0");
}

TEST(RelativePaths, NothingIsSaidOfOtherFailures) {
    for (const auto& [key, value] :
         {std::pair("out", "/data/out"), std::pair("out", "other"),
          std::pair("topology.name", "out"), std::pair("out", "o"), std::pair("out", "")}) {
        EXPECT_EQ(with_path_hint(kFailure, config_of(key, value), "/w/0"), kFailure) << value;
    }
    EXPECT_EQ(with_path_hint("shop 17 is closed", config_of("shop", "17"), "/w/0"),
              "shop 17 is closed");
    EXPECT_EQ(with_path_hint(kFailure, config_of("mode", "write"), "/w/0"), kFailure);
    EXPECT_EQ(with_path_hint("no http://h/x", config_of("url", "http://h/x"), "/w/0"),
              "no http://h/x");
    EXPECT_EQ(with_path_hint("", config_of("out", "out"), "/w/0"), "");
    EXPECT_EQ(with_path_hint(kFailure, config_of("out", "out"), ""), kFailure);
}

}  // namespace
}  // namespace storm::worker

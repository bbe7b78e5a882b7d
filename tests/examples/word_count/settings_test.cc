// Combinations of settings that a user may choose, and the messages for the others.
#include "examples/word_count/settings.h"

#include <initializer_list>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/errors.h>

namespace word_count {
namespace {

using ::testing::HasSubstr;

Settings read(std::initializer_list<std::pair<const char*, const char*>> entries) {
    storm::Config config;
    for (const auto& [key, value] : entries) config.set(key, value);
    return read_settings(config);
}

std::string refusal(std::initializer_list<std::pair<const char*, const char*>> entries) {
    try {
        read(entries);
    } catch (const storm::ConfigError& error) {
        return error.what();
    }
    return "";
}

TEST(Settings, InputIsEnough) {
    const Settings settings = read({{"input", "book.txt"}});

    EXPECT_EQ(settings.input, "book.txt");
    EXPECT_EQ(settings.repeat, 1u);
    EXPECT_EQ(settings.parallelism, 2);
    EXPECT_EQ(settings.output, "");
    EXPECT_EQ(settings.progress, "");
    EXPECT_FALSE(settings.follow);
    EXPECT_FALSE(settings.lines_per_s);
}

TEST(Settings, AllCanBeGiven) {
    const Settings settings = read({{"input", "x"},
                                    {"repeat", "3"},
                                    {"output", "o"},
                                    {"progress", "p"},
                                    {"rate", "2.5"},
                                    {"parallelism", "4"}});

    EXPECT_EQ(settings.repeat, 3u);
    EXPECT_EQ(settings.output, "o");
    EXPECT_EQ(settings.progress, "p");
    EXPECT_EQ(settings.lines_per_s, 2.5);
    EXPECT_EQ(settings.parallelism, 4);
}

TEST(Settings, MissingInputSaysWhatItIs) {
    EXPECT_THAT(refusal({}), HasSubstr("\"input\" is not set"));
    EXPECT_THAT(refusal({}), HasSubstr("a directory, or - for standard input"));
    EXPECT_THAT(refusal({{"inptu", "x"}}), HasSubstr("did you mean"));
}

TEST(Settings, NumbersOutOfRangeAreRefused) {
    EXPECT_THAT(refusal({{"input", "x"}, {"repeat", "0"}}), HasSubstr("\"repeat\" is 0"));
    EXPECT_THAT(refusal({{"input", "x"}, {"parallelism", "-1"}}),
                HasSubstr("\"parallelism\" is -1"));
    EXPECT_THAT(refusal({{"input", "x"}, {"rate", "0"}}), HasSubstr("\"rate\" is 0"));
    EXPECT_THAT(refusal({{"input", "x"}, {"rate", "fast"}}), HasSubstr("rate"));
    EXPECT_THAT(refusal({{"input", "x"}, {"follow", "perhaps"}}), HasSubstr("follow"));
}

TEST(Settings, WhatDoesNotGoTogetherIsRefused) {
    EXPECT_THAT(refusal({{"input", "-"}, {"repeat", "2"}}), HasSubstr("once only"));
    EXPECT_THAT(refusal({{"input", "-"}, {"progress", "p"}}), HasSubstr("once only"));
    EXPECT_THAT(refusal({{"input", "-"}, {"follow", "true"}}), HasSubstr("until it is closed"));
    EXPECT_THAT(refusal({{"input", "x"}, {"follow", "true"}, {"repeat", "2"}}),
                HasSubstr("no end"));
    EXPECT_THAT(refusal({{"input", "x"}, {"progress", "p"}, {"output", "p"}}),
                HasSubstr("the same file"));
    EXPECT_THAT(refusal({{"input", "x"}, {"progress", "p"}, {"topology.acker.executors", "0"}}),
                HasSubstr("without tracking"));
}

TEST(Settings, RepeatOnceGoesWithEverything) {
    EXPECT_EQ(refusal({{"input", "-"}, {"repeat", "1"}}), "");
    EXPECT_EQ(refusal({{"input", "x"}, {"follow", "true"}, {"repeat", "1"}}), "");
}

}  // namespace
}  // namespace word_count

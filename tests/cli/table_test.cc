// Tables and other texts for people. Method: golden texts.
#include "cli/table.h"

#include <gtest/gtest.h>

namespace storm::cli {
namespace {

Table example() {
    Table table({{"NAME", false, true}, {"STATUS"}, {"TASKS", true}});
    table.add({"wc", Cell("ACTIVE", Colour::kGood), "12"});
    table.add({"a-long-name-é", "KILLED", "1,200"});
    return table;
}

TEST(Table, PlainTextHasNeitherColoursNorALimit) {
    EXPECT_EQ(example().text({}),
              "NAME           STATUS  TASKS\n"
              "wc             ACTIVE     12\n"
              "a-long-name-é  KILLED  1,200\n");
}

TEST(Table, WhatMayBeCutGivesWayToANarrowTerminal) {
    EXPECT_EQ(example().text({.is_terminal = true, .colours = false, .width = 25}),
              "NAME        STATUS  TASKS\n"
              "wc          ACTIVE     12\n"
              "a-long-na…  KILLED  1,200\n");
    EXPECT_EQ(example().text({.is_terminal = true, .colours = false, .width = 1}),
              "NAME      STATUS  TASKS\n"
              "wc        ACTIVE     12\n"
              "a-long-…  KILLED  1,200\n");
}

TEST(Table, ColoursTakeNoRoom) {
    EXPECT_EQ(example().text({.is_terminal = true, .colours = true, .width = 80}),
              "\x1b[2mNAME\x1b[0m           \x1b[2mSTATUS\x1b[0m  \x1b[2mTASKS\x1b[0m\n"
              "wc             \x1b[32mACTIVE\x1b[0m     12\n"
              "a-long-name-é  KILLED  1,200\n");
}

TEST(Table, ControlCharactersDoNotReachTheTerminal) {
    Table table({{"ERROR"}});
    table.add(
        {"a\x1b[31m\nb\tc\x7f\xc2\x9b"
         "d"});

    EXPECT_EQ(table.text({}), "ERROR\na?[31m b c???d\n");
}

TEST(Terminal, NumbersAndTimesAreShort) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'234'567), "1,234,567");
    EXPECT_EQ(duration_text(59), "59s");
    EXPECT_EQ(duration_text(61), "1m 1s");
    EXPECT_EQ(duration_text(3'700), "1h 1m");
    EXPECT_EQ(duration_text(90'000), "1d 1h");
    EXPECT_EQ(micros_text(250), "250 us");
    EXPECT_EQ(micros_text(1'250), "1.2 ms");
    EXPECT_EQ(micros_text(3'400'000), "3.4 s");
    EXPECT_EQ(bytes_text(7'300'000), "7.3 MB");
}

TEST(Terminal, TextsAreCutByCharacters) {
    EXPECT_EQ(fitted("äöü", 3), "äöü");
    EXPECT_EQ(fitted("äöüß", 3), "äö…");
    EXPECT_EQ(fitted("abc", 0), "");
}

}  // namespace
}  // namespace storm::cli

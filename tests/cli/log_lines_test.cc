// Goal:   lines of several logs come in the order of their times, and none is torn apart.
// Method: logs by hand, in pieces.

#include "cli/log_lines.h"

#include <gtest/gtest.h>

namespace storm::cli {
namespace {

std::string t(int ms) {
    return "2026-11-26T20:00:00.00" + std::to_string(ms);
}

TEST(LogLines, OfSeveralLogsComeInTheOrderOfTheirTimes) {
    std::vector<LogLine> lines;
    LogLines zero("[0] "), one("[1] ");
    zero.take(t(1) + " info a\n" + t(5) + " info b\n", true, lines);
    one.take(t(3) + " info c\n" + t(7) + " info d\n", true, lines);

    EXPECT_EQ(in_order_of_time(lines), "[0] " + t(1) + " info a\n[1] " + t(3) + " info c\n[0] " +
                                           t(5) + " info b\n[1] " + t(7) + " info d\n");
}

TEST(LogLines, ALineWithoutATimeStaysBehindTheLineBefore) {
    std::vector<LogLine> lines;
    LogLines zero("[0] "), one("[1] ");
    zero.take("printed\n" + t(5) + " error a\n    #0 main\n", true, lines);
    one.take(t(3) + " info b\nprinted too\n", true, lines);
    zero.take("    #1 start\n", true, lines);

    EXPECT_EQ(in_order_of_time(lines), "[0] printed\n[1] " + t(3) +
                                           " info b\n[1] printed too\n[0] " + t(5) +
                                           " error a\n[0]     #0 main\n[0]     #1 start\n");
}

TEST(LogLines, WithEqualTimesAreThoseOfOneLogAfterThoseOfTheOther) {
    std::vector<LogLine> lines;
    LogLines zero("[0] "), one("[1] ");
    zero.take(t(1) + " a\n" + t(1) + " b\n", true, lines);
    one.take(t(1) + " c\n2026-11-26T20:00:00 is not a time\n", true, lines);

    EXPECT_EQ(in_order_of_time(lines), "[0] " + t(1) + " a\n[0] " + t(1) + " b\n[1] " + t(1) +
                                           " c\n[1] 2026-11-26T20:00:00 is not a time\n");
}

/// The text of what take() adds.
std::string taken(LogLines& log, const std::string& bytes, bool at_start) {
    std::vector<LogLine> lines;
    log.take(bytes, at_start, lines);
    return in_order_of_time(std::move(lines));
}

std::string rest(LogLines& log) {
    std::vector<LogLine> lines;
    log.take_rest(lines);
    return in_order_of_time(std::move(lines));
}

TEST(LogLines, KeepsPartsOfLinesUntilTheyAreWhole) {
    LogLines log("[worker 1] ");

    EXPECT_EQ(taken(log, "lf of a line\none\ntw", false), "[worker 1] one\n");
    EXPECT_EQ(taken(log, "o\nthree\n\nfo", true),
              "[worker 1] two\n[worker 1] three\n[worker 1] \n");
    EXPECT_EQ(taken(log, "", false), "");
    EXPECT_EQ(rest(log), "[worker 1] fo\n");
    EXPECT_EQ(rest(log), "");
}

TEST(LogLines, GivesATerminalNoOrders) {
    LogLines log("> ", true);

    EXPECT_EQ(taken(log, "a\x1b]0;title\a\tb\r\n\x1b[2J", true), "> a?]0;title? b?\n");
    EXPECT_EQ(rest(log), "> ?[2J\n");
}

}  // namespace
}  // namespace storm::cli

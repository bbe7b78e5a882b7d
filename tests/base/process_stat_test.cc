// The kernel's line about a process, whatever its program is called.
// Method: lines made by hand, and this process's own.

#include "base/process_stat.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace storm::base {
namespace {

constexpr const char* kBehind = " 7 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 ";

TEST(ProcessStat, TellsOfThisProcess) {
    std::ifstream file("/proc/self/stat");
    std::string line;
    ASSERT_TRUE(std::getline(file, line));

    const auto stat = parse_process_stat(line);

    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->state, 'R');
    EXPECT_EQ(stat->parent, ::getppid());
    EXPECT_EQ(stat->session, ::getsid(0));
    EXPECT_GT(stat->start_time, 0U);
}

TEST(ProcessStat, TheNameMayHoldAnything) {
    for (const char* const name : {"", "a b", ") S 1 2 3 4", "(((", "))"}) {
        const auto stat =
            parse_process_stat(std::string("42 (") + name + ") Z" + kBehind + "98765 1 2\n");

        ASSERT_TRUE(stat) << name;
        EXPECT_EQ(stat->state, 'Z') << name;
        EXPECT_EQ(stat->parent, 7) << name;
        EXPECT_EQ(stat->session, 9) << name;
        EXPECT_EQ(stat->start_time, 98765U) << name;
    }
}

TEST(ProcessStat, WhatIsCutOffIsNothing) {
    const std::string whole = std::string("42 (name) S") + kBehind + "98765";
    ASSERT_TRUE(parse_process_stat(whole));
    for (std::size_t bytes = 0; bytes + 5 <= whole.size(); ++bytes)
        EXPECT_FALSE(parse_process_stat(whole.substr(0, bytes))) << bytes;
    EXPECT_FALSE(parse_process_stat(std::string("42 (name) S") + kBehind + "never"));
}

}  // namespace
}  // namespace storm::base

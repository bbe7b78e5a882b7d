// The files of `storm new`, and the names that it refuses. The folder itself is tested in
// tests/e2e.
#include "cli/new_topology.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace storm::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(NewTopology, PlainNamesAreAccepted) {
    for (const char* name : {"hello", "word-stats", "Word_Stats2", "x"}) {
        EXPECT_EQ(mistake_in_name(name), std::nullopt) << name;
    }
}

TEST(NewTopology, OtherNamesAreRefusedWithOneThatWouldDo) {
    EXPECT_THAT(mistake_in_name("2nd try").value(), HasSubstr("try \"nd-try\""));
    EXPECT_THAT(mistake_in_name("../hello").value(), HasSubstr("try \"hello\""));
    EXPECT_THAT(mistake_in_name("-x").value(), HasSubstr("try \"x\""));
    EXPECT_THAT(mistake_in_name("").value(), Not(HasSubstr("hint")));
    EXPECT_THAT(mistake_in_name(std::string(65, 'a')).value(), HasSubstr("at most 64"));
}

TEST(NewTopology, NamesOfTargetsThatCMakeHasAreRefused) {
    EXPECT_THAT(mistake_in_name("test").value(), HasSubstr("try \"my-test\""));
    EXPECT_THAT(mistake_in_name("all").value(), HasSubstr("try \"my-all\""));
}

TEST(NewTopology, FilesCarryItsName) {
    const auto files = files_of_topology("word-stats");

    ASSERT_EQ(files.size(), 4u);
    EXPECT_EQ(files[0].name, "word_stats.cc");
    EXPECT_THAT(files[0].content, HasSubstr("The topology `word-stats`"));
    EXPECT_EQ(files[1].name, "word_stats_test.sh");
    EXPECT_EQ(files[2].name, "CMakeLists.txt");
    EXPECT_THAT(files[2].content, HasSubstr("storm_add_topology(word-stats word_stats.cc)"));
    for (const NewFile& file : files) {
        EXPECT_THAT(file.content, Not(HasSubstr("@NAME@"))) << file.name;
        EXPECT_THAT(file.content, Not(HasSubstr("@FILE@"))) << file.name;
    }
}

}  // namespace
}  // namespace storm::cli

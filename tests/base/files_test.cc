// Files that are whole or not there.

#include "base/files.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

namespace storm::base {
namespace {

class Files : public ::testing::Test {
protected:
    std::string at(const std::string& name) const { return dir_.path(name); }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(dir_.root()), {}));
    }

private:
    storm::testing::TempDir dir_;
};

TEST_F(Files, AWholeFileTakesTheOldOnesPlace) {
    ASSERT_TRUE(write_whole_file(at("a"), "old", 0600));
    ASSERT_TRUE(write_whole_file(at("a"), "new one", 0640));
    EXPECT_EQ(read_small_file(at("a"), 100).value(), "new one");
    struct stat found {};
    ASSERT_EQ(::stat(at("a").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0640U);
    EXPECT_EQ(files(), 1U);
}

TEST_F(Files, WhatAKilledProcessLeftIsNoHindrance) {
    ASSERT_TRUE(write_whole_file(at("a.partial"), "half", 0600));
    ASSERT_TRUE(write_whole_file(at("a"), "whole", 0600, Keep::kOverProcess));
    EXPECT_EQ(read_small_file(at("a"), 100).value(), "whole");
    EXPECT_EQ(files(), 1U);
}

TEST_F(Files, ANewFileNeverReplacesOne) {
    EXPECT_TRUE(write_new_file(at("a"), "first", 0600).value());
    EXPECT_FALSE(write_new_file(at("a"), "second", 0600).value());
    EXPECT_EQ(read_small_file(at("a"), 100).value(), "first");
    EXPECT_EQ(files(), 1U);
}

TEST_F(Files, ErrorsNameThePathAndLeaveNothing) {
    const auto written = write_whole_file(at("no/such/folder"), "x", 0600);
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().message.find("no/such/folder\": no such file"), std::string::npos);
    EXPECT_FALSE(write_new_file(at("no/such/folder"), "x", 0600));
    EXPECT_FALSE(read_small_file(at("missing"), 100));
    EXPECT_EQ(files(), 0U);
}

TEST_F(Files, ReadsNoMoreThanAllowed) {
    ASSERT_TRUE(write_whole_file(at("a"), std::string(100, 'x'), 0600));
    EXPECT_TRUE(read_small_file(at("a"), 100));
    EXPECT_FALSE(read_small_file(at("a"), 99));
}

TEST_F(Files, OnlyAMissingFileIsNone) {
    EXPECT_EQ(read_small_file_if_any(at("a"), 4).value(), std::nullopt);
    EXPECT_EQ(read_small_file_if_any(at("a/b"), 4).value(), std::nullopt);
    ASSERT_TRUE(write_whole_file(at("a"), "1234", 0600));
    EXPECT_EQ(read_small_file_if_any(at("a"), 4).value(), "1234");
    EXPECT_EQ(read_small_file_if_any(at("a/b"), 4).value(), std::nullopt) << "no directory";
    EXPECT_FALSE(read_small_file_if_any(at("a"), 3));
    ASSERT_TRUE(make_directory(at("d"), 0700));
    EXPECT_FALSE(read_small_file_if_any(at("d"), 4));
}

TEST_F(Files, DirectoriesComeWithTheirParentsAndGoWithTheirContent) {
    ASSERT_TRUE(make_directory(at("a/b/c"), 0700));
    ASSERT_TRUE(make_directory(at("a/b/c"), 0700));
    ASSERT_TRUE(write_whole_file(at("a/b/c/file"), "x", 0600));
    EXPECT_FALSE(make_directory(at("a/b/c/file"), 0700));
    EXPECT_TRUE(remove_tree(at("a")));
    EXPECT_TRUE(remove_tree(at("a")));
    EXPECT_EQ(files(), 0U);
}

}  // namespace
}  // namespace storm::base

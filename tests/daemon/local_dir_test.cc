// A daemon's own folder: one process at a time, and its token.

#include "daemon/local_dir.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/support/temp_dir.h"

namespace storm::daemon {
namespace {

using ::testing::HasSubstr;

class LocalDirs : public ::testing::Test {
protected:
    std::string at(const std::string& name) const { return temp_.path(name); }
    std::string token_of(const std::string& content, mode_t mode = 0600) const {
        EXPECT_TRUE(base::write_whole_file(at("token"), content, mode));
        const auto token = read_or_make_token(at("token"));
        return token ? *token : token.error().message;
    }

    storm::testing::TempDir temp_;
    const std::string dir_ = temp_.root();
};

TEST_F(LocalDirs, HaveOneProcessAtATime) {
    {
        const auto first = LocalDir::open(at("new/one"), "nimbus");
        ASSERT_TRUE(first);
        const auto second = LocalDir::open(at("new/one"), "nimbus");
        ASSERT_FALSE(second);
        EXPECT_THAT(second.error().message,
                    ::testing::AllOf(HasSubstr("another storm-nimbus"),
                                     HasSubstr("process " + std::to_string(::getpid()))));
        EXPECT_TRUE(LocalDir::open(at("new/one"), "supervisor")) << "they may share a folder";
    }
    EXPECT_TRUE(LocalDir::open(at("new/one"), "nimbus"));
}

TEST_F(LocalDirs, SayWhereTheDaemonIsWhileItIsReady) {
    {
        auto dir = std::move(LocalDir::open(dir_, "nimbus")).value();
        EXPECT_FALSE(std::filesystem::exists(at("nimbus.json")));
        dir.ready({{"port", 6627}, {"host", "a \"b\""}});
        const auto said =
            nlohmann::json::parse(base::read_small_file(at("nimbus.json"), 1000).value());
        EXPECT_EQ(said["pid"], ::getpid());
        EXPECT_EQ(said["port"], 6627);
        EXPECT_EQ(said["host"], "a \"b\"");
    }
    EXPECT_FALSE(std::filesystem::exists(at("nimbus.json")));
}

TEST_F(LocalDirs, ForgetWhereOneWasThatWasKilled) {
    ASSERT_TRUE(base::write_whole_file(at("nimbus.json"), "{}", 0600));
    ASSERT_TRUE(LocalDir::open(dir_, "nimbus"));
    EXPECT_FALSE(std::filesystem::exists(at("nimbus.json")));
}

TEST_F(LocalDirs, MakeATokenOnce) {
    const auto made = read_or_make_token(at("token"));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->size(), 64U);
    EXPECT_EQ(read_or_make_token(at("token")).value(), *made);
    struct stat found {};
    ASSERT_EQ(::stat(at("token").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST_F(LocalDirs, TakeATokenFromWhereNothingCanBeWritten) {
    ASSERT_TRUE(base::make_directory(at("etc"), 0700));
    ASSERT_TRUE(base::write_whole_file(at("etc/token"), "0123456789abcdef\n", 0600));
    std::size_t files = 0;
    const auto before = std::filesystem::last_write_time(at("etc"));

    EXPECT_EQ(read_or_make_token(at("etc/token")).value(), "0123456789abcdef");

    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(at("etc")))
        ++files;
    EXPECT_EQ(files, 1U);
    EXPECT_EQ(std::filesystem::last_write_time(at("etc")), before) << "it was tried";
}

TEST_F(LocalDirs, KeepNobodyDownThatCannotSayWhereItIs) {
    auto dir = std::move(LocalDir::open(at("gone"), "nimbus")).value();
    std::filesystem::remove_all(at("gone"));

    dir.ready({{"port", 6627}});

    EXPECT_FALSE(std::filesystem::exists(at("gone/nimbus.json")));
}

TEST_F(LocalDirs, TakeATokenThroughALink) {
    ASSERT_TRUE(base::write_whole_file(at("mounted"), "0123456789abcdef\n", 0600));
    std::filesystem::create_symlink(at("mounted"), at("token"));
    EXPECT_EQ(read_or_make_token(at("token")).value(), "0123456789abcdef");
}

TEST_F(LocalDirs, RefuseTokensThatAreNone) {
    EXPECT_EQ(token_of("0123456789abcdef\r\n"), "0123456789abcdef");
    EXPECT_THAT(token_of("0123456789abcdef", 0640), HasSubstr("chmod 600"));
    EXPECT_THAT(token_of("0123456789abcde"), HasSubstr("does not hold a token"));
    EXPECT_THAT(token_of("0123456789 abcdef"), HasSubstr("does not hold a token"));
    EXPECT_THAT(token_of(std::string(1025, 'x')), HasSubstr("over 1024 bytes"));
}

}  // namespace
}  // namespace storm::daemon

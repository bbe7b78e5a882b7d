// Real files: what is written must be read again by the same run, and by no other.
#include "examples/word_count/saved_files.h"

#include <filesystem>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace word_count {
namespace {

using storm::testing::TempDir;

using ::testing::AllOf;
using ::testing::HasSubstr;

const RunIdentity kRun{.input = "/some where/\"book\".txt", .repeat = 3, .parallelism = 2};
const Place kPlace{.pass = 1, .file = "/some where/a \"b\"\nc", .offset = 12345};

template <typename Call>
std::string error_of(Call&& call) {
    try {
        call();
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(ReplacedFile, AppearsWhenItIsCommitted) {
    const TempDir dir;
    dir.write("result", "old");
    {
        ReplacedFile file(dir.path("result"));
        file.write("new");
        EXPECT_EQ(dir.read("result"), "old");
        file.commit();
    }
    EXPECT_EQ(dir.read("result"), "new");
    EXPECT_FALSE(dir.has("result.tmp"));
}

TEST(ReplacedFile, LeavesNothingWithoutCommit) {
    const TempDir dir;
    { ReplacedFile(dir.path("result")).write("new"); }
    EXPECT_FALSE(dir.has("result"));
    EXPECT_FALSE(dir.has("result.tmp"));
}

TEST(ReplacedFile, LinkStaysALink) {
    const TempDir dir;
    dir.write("target", "old");
    std::filesystem::create_symlink(dir.path("target"), dir.path("link"));
    ReplacedFile file(dir.path("link"));
    file.write("new");
    file.commit();

    EXPECT_TRUE(std::filesystem::is_symlink(dir.path("link")));
    EXPECT_EQ(dir.read("target"), "new");
}

TEST(ReplacedFile, DeviceIsWrittenAndNotReplaced) {
    ReplacedFile file("/dev/null");
    file.write("new");
    file.commit();
    EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(ReplacedFile, WhatCannotBeWrittenIsSaidAtOnce) {
    const TempDir dir;
    EXPECT_THAT(error_of([&] { ReplacedFile file(dir.path("none/result")); }),
                HasSubstr("No such file"));
    EXPECT_THAT(error_of([&] { ReplacedFile file(dir.path("")); }), HasSubstr("s a directory"));
}

TEST(ReplacedFile, FullDeviceIsAnError) {
    EXPECT_THAT(error_of([] { ReplacedFile("/dev/full").write("new"); }),
                HasSubstr("No space left"));
}

TEST(Progress, IsReadAsItWasWritten) {
    const TempDir dir;
    save_progress(dir.path("p"), kRun, kPlace);
    EXPECT_EQ(load_progress(dir.path("p"), kRun), kPlace);
}

TEST(Progress, IsNothingAtFirst) {
    const TempDir dir;
    EXPECT_EQ(load_progress(dir.path("p"), kRun), std::nullopt);
}

TEST(Progress, OfOtherSettingsIsRefusedAndSaysWhatToDo) {
    const TempDir dir;
    save_progress(dir.path("p"), kRun, kPlace);
    const auto error_with = [&](const RunIdentity& run) {
        return error_of([&] { load_progress(dir.path("p"), run); });
    };

    RunIdentity other = kRun;
    other.repeat = 4;
    EXPECT_THAT(error_with(other), AllOf(HasSubstr(dir.path("p")), HasSubstr("repeat=3"),
                                         HasSubstr("repeat=4"), HasSubstr("delete")));
    other = kRun;
    other.parallelism = 3;
    EXPECT_THAT(error_with(other), HasSubstr("parallelism=2"));
    other = kRun;
    other.input = "/b";
    EXPECT_THAT(error_with(other), HasSubstr("input=/some where/"));
    other = kRun;
    other.follow = true;
    EXPECT_THAT(error_with(other), HasSubstr("follow"));
}

TEST(Progress, ThatIsSomethingElseIsRefused) {
    const TempDir dir;
    dir.write("p", "a letter to my aunt");
    EXPECT_THAT(error_of([&] { load_progress(dir.path("p"), kRun); }),
                HasSubstr("is not a progress"));
    dir.write("p", "word-count progress 99\n");
    EXPECT_THAT(error_of([&] { load_progress(dir.path("p"), kRun); }), HasSubstr("version 99"));
    save_progress(dir.path("p"), kRun, kPlace);
    dir.write("p", dir.read("p").substr(0, 60));
    EXPECT_THAT(error_of([&] { load_progress(dir.path("p"), kRun); }), HasSubstr("damaged"));
}

TEST(Counts, AreReadAsTheyWereWritten) {
    const TempDir dir;
    WordTable counts;
    counts.add("the", 63924);
    counts.add("and", 51696);
    save_counts(dir.path("p"), kRun, 1, counts);
    save_progress(dir.path("p"), kRun, kPlace);

    EXPECT_EQ(load_counts(dir.path("p"), kRun, 1).top(9), counts.top(9));
}

TEST(Counts, WithoutProgressAreForgotten) {
    const TempDir dir;
    WordTable counts;
    counts.add("the");
    save_counts(dir.path("p"), kRun, 0, counts);

    EXPECT_EQ(load_counts(dir.path("p"), kRun, 0).size(), 0u);
}

TEST(Counts, ThatAreMissingOrDamagedAreRefused) {
    const TempDir dir;
    save_progress(dir.path("p"), kRun, kPlace);
    const auto error = [&] { return error_of([&] { load_counts(dir.path("p"), kRun, 0); }); };
    EXPECT_THAT(error(), AllOf(HasSubstr("p.counts-0\" is missing"), HasSubstr("delete")));

    WordTable counts;
    counts.add("the", 63924);
    counts.add("and", 51696);
    save_counts(dir.path("p"), kRun, 0, counts);
    const std::string whole = dir.read("p.counts-0");
    dir.write("p.counts-0", whole.substr(0, whole.rfind('\t')));
    EXPECT_THAT(error(), HasSubstr("damaged"));
}

TEST(Counts, OfAnotherTaskAreRefused) {
    const TempDir dir;
    save_progress(dir.path("p"), kRun, kPlace);
    save_counts(dir.path("p"), kRun, 1, WordTable());
    std::filesystem::rename(dir.path("p.counts-1"), dir.path("p.counts-0"));
    EXPECT_THAT(error_of([&] { load_counts(dir.path("p"), kRun, 0); }), HasSubstr("index=1"));
}

}  // namespace
}  // namespace word_count

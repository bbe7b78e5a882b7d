// Real files, since files are what this is about. Nothing waits: what an input does over time is
// made to happen between two readings.
#include "examples/word_count/input.h"

#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "examples/word_count/file_descriptor.h"
#include "tests/support/temp_dir.h"

namespace word_count {
namespace {

using storm::testing::TempDir;

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Reads until there is nothing now: the text of each unit that ended, and last what has not.
std::vector<std::string> read_units(Input& input, std::size_t reading = 5) {
    std::vector<std::string> units(1);
    std::string room(reading, '\0');
    for (;;) {
        const Input::Read read = input.read(room);
        switch (read.kind) {
            case Input::Kind::kBytes:
                units.back().append(room, 0, read.bytes);
                break;
            case Input::Kind::kUnitEnds:
                units.emplace_back();
                break;
            case Input::Kind::kLater:
            case Input::Kind::kEnds:
                return units;
        }
    }
}

std::string refusal(const InputOptions& options) {
    try {
        open_input(options);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

TEST(FilesInput, OneFileIsOneUnit) {
    const TempDir dir;
    const auto input = open_input({.path = dir.write("a", "one\ntwo\n")});

    EXPECT_THAT(read_units(*input), ElementsAre("one\ntwo\n", ""));
}

TEST(FilesInput, DirectoryIsItsRegularFilesByName) {
    const TempDir dir;
    dir.write("b", "second");
    dir.write("a", "first");
    std::filesystem::create_directory(dir.path("c"));

    EXPECT_THAT(read_units(*open_input({.path = dir.path("")})),
                ElementsAre("first", "second", ""));
}

TEST(FilesInput, RepeatReadsAllAgain) {
    const TempDir dir;
    dir.write("a", "first");
    dir.write("b", "");

    EXPECT_THAT(read_units(*open_input({.path = dir.path(""), .repeat = 2})),
                ElementsAre("first", "", "first", "", ""));
}

TEST(FilesInput, LinesCanBeReadAgainAlsoOfFilesThatAreDone) {
    const TempDir dir;
    dir.write("a", "0123456789");
    dir.write("b", "abcdefghij");
    const auto input = open_input({.path = dir.path("")});
    read_units(*input);

    std::string text;
    input->read_again({.offset = 3, .unit = 0, .length = 4}, text);
    EXPECT_EQ(text, "3456");
    input->read_again({.offset = 0, .unit = 1, .length = 2}, text);
    EXPECT_EQ(text, "ab");
}

TEST(FilesInput, LineThatIsNoLongerThereIsAnError) {
    const TempDir dir;
    const auto input = open_input({.path = dir.write("a", "0123456789")});
    read_units(*input);
    std::filesystem::resize_file(dir.path("a"), 5);

    std::string text;
    EXPECT_THROW(input->read_again({.offset = 3, .unit = 0, .length = 4}, text), FileError);
}

TEST(FilesInput, ResumesAtItsPlace) {
    const TempDir dir;
    dir.write("a", "first");
    dir.write("b", "second");
    const InputOptions options{.path = dir.path(""), .repeat = 2};
    const Place place = open_input(options)->place(1, 3);

    const auto input = open_input(options);
    EXPECT_EQ(input->resume(place).offset, 3u);
    EXPECT_EQ(input->unit(), 1u);
    EXPECT_THAT(read_units(*input), ElementsAre("ond", "first", "second", ""));
}

TEST(FilesInput, ResumedAtItsEndReadsWhatWasAppended) {
    const TempDir dir;
    const InputOptions options{.path = dir.write("a", "first\n"), .repeat = 2};
    const auto before = open_input(options);
    read_units(*before);
    const Place end = before->place(before->unit(), 0);
    dir.append("a", "more\n");

    const auto input = open_input(options);
    EXPECT_EQ(input->resume(end).offset, 6u);
    EXPECT_THAT(read_units(*input), ElementsAre("more\n", ""));
}

TEST(FilesInput, PlaceThatIsGoneIsAnError) {
    const TempDir dir;
    dir.write("a", "first");
    const auto input = open_input({.path = dir.path("")});

    EXPECT_THROW(input->resume({.pass = 0, .file = dir.path("b"), .offset = 0}),
                 std::runtime_error);
    EXPECT_THROW(input->resume({.pass = 0, .file = dir.path("a"), .offset = 6}),
                 std::runtime_error);
}

TEST(FilesInput, StatusNamesFileAndShare) {
    const TempDir dir;
    const auto input = open_input({.path = dir.write("book.txt", "0123456789"), .repeat = 2});
    EXPECT_EQ(input->status(), "book.txt, pass 1 of 2, 0 %");
    std::string room(5, '\0');
    input->read(room);
    EXPECT_EQ(input->status(), "book.txt, pass 1 of 2, 50 %");
    read_units(*input);
    EXPECT_EQ(input->status(), "all read");
}

TEST(Input, WhatCannotBeReadIsRefusedByName) {
    const TempDir dir;
    EXPECT_THAT(refusal({.path = dir.path("none")}), HasSubstr("none\": No such file"));
    EXPECT_THAT(refusal({.path = dir.path("")}), HasSubstr("holds no regular file"));
}

TEST(Input, WhatCannotBeDoneWithItIsRefused) {
    const TempDir dir;
    dir.write("a", "first");
    EXPECT_THAT(refusal({.path = dir.path(""), .follow = true}), HasSubstr("it is a directory"));
    EXPECT_THAT(refusal({.path = "/dev/null", .follow = true}), HasSubstr("not a regular file"));
    EXPECT_THAT(refusal({.path = "/dev/null", .repeat = 2}), HasSubstr("once only"));
    EXPECT_THAT(refusal({.path = "/dev/null", .resumable = true}), HasSubstr("once only"));
}

TEST(StreamInput, ReadsAPipeToItsEnd) {
    const TempDir dir;
    ASSERT_EQ(::mkfifo(dir.path("pipe").c_str(), 0600), 0);
    const auto input = open_input({.path = dir.path("pipe")});
    EXPECT_THAT(read_units(*input), ElementsAre("")) << "nobody has written yet";

    FileDescriptor writer(dir.path("pipe"), O_WRONLY);
    writer.write_all("one");
    EXPECT_THAT(read_units(*input), ElementsAre("one"));
    EXPECT_FALSE(input->rereadable());

    writer.write_all("two");
    writer.close();
    EXPECT_THAT(read_units(*input), ElementsAre("two", ""));
    EXPECT_THAT(read_units(*input), ElementsAre("")) << "the end stays";
}

TEST(FollowedInput, GrowsWithItsFile) {
    const TempDir dir;
    const auto input = open_input({.path = dir.write("log", "one\n"), .follow = true});
    EXPECT_THAT(read_units(*input), ElementsAre("one\n"));
    EXPECT_THAT(read_units(*input), ElementsAre(""));
    dir.append("log", "two\n");
    EXPECT_THAT(read_units(*input), ElementsAre("two\n"));
}

TEST(FollowedInput, FileThatIsCutShortStartsAgain) {
    const TempDir dir;
    const auto input = open_input({.path = dir.write("log", "one\ntwo\n"), .follow = true});
    read_units(*input);
    dir.write("log", "new\n");

    EXPECT_THAT(read_units(*input), ElementsAre("", "new\n"));
    EXPECT_EQ(input->unit(), 1u);
}

TEST(FollowedInput, RotatedFileIsReadToItsEndFirst) {
    const TempDir dir;
    const auto input = open_input({.path = dir.write("log", "one\n"), .follow = true});
    read_units(*input);
    std::filesystem::rename(dir.path("log"), dir.path("log.1"));
    dir.append("log.1", "last\n");
    EXPECT_THAT(read_units(*input), ElementsAre("last\n"));
    EXPECT_THAT(input->status(), HasSubstr("waiting for a new one"));

    dir.write("log", "new\n");
    EXPECT_THAT(read_units(*input), ElementsAre("")) << "the new one is seen";
    dir.append("log.1", "very last\n");
    EXPECT_THAT(read_units(*input), ElementsAre("very last\n", "new\n"));
    EXPECT_EQ(input->status(), "log, followed");
}

TEST(FollowedInput, ResumesInTheSameFileOnly) {
    const TempDir dir;
    const InputOptions options{.path = dir.write("log", "one\ntwo\n"), .follow = true};
    const auto before = open_input(options);
    read_units(*before);
    const Place place = before->place(0, 4);

    const auto same = open_input(options);
    EXPECT_EQ(same->resume(place).offset, 4u);
    EXPECT_THAT(read_units(*same), ElementsAre("two\n"));

    dir.write("log", "a\n");
    const Input::Resumed cut = open_input(options)->resume(place);
    EXPECT_EQ(cut.offset, 0u);
    EXPECT_THAT(cut.warning, HasSubstr("cut short"));

    dir.write("other", "other\nother\n");
    std::filesystem::rename(dir.path("other"), dir.path("log"));
    const Input::Resumed replaced = open_input(options)->resume(place);
    EXPECT_EQ(replaced.offset, 0u);
    EXPECT_THAT(replaced.warning, HasSubstr("another file"));
}

TEST(FollowedInput, PlaceOfWhatWasCutAwayIsTheStartOfWhatIsThere) {
    const TempDir dir;
    const auto input = open_input({.path = dir.write("log", "one\ntwo\n"), .follow = true});
    read_units(*input);
    dir.write("log", "new\n");
    read_units(*input);

    EXPECT_EQ(input->place(0, 4), input->place(1, 0));
}

}  // namespace
}  // namespace word_count

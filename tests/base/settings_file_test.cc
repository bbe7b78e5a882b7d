// Settings files are written by people, and read by programs that disagree about YAML: most tests
// are about what is refused, and what the person is told.
#include "base/settings_file.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace storm::base {
namespace {

using testing::HasSubstr;
using Settings = std::map<std::string, std::string>;

Settings settings_of(std::string_view text) {
    const Result<Settings> result = parse_settings(text, "a.yaml");
    if (result.has_value()) return result.value();
    ADD_FAILURE() << result.error().message;
    return {};
}

std::string error_of(std::string_view text) {
    const Result<Settings> result = parse_settings(text, "a.yaml");
    return result.has_value() ? "no error" : result.error().message;
}

TEST(SettingsFile, FlatAndNestedKeysAreTheSame) {
    EXPECT_EQ(settings_of("topology.workers: 2\nnimbus.port: 6627\n"),
              settings_of("topology:\n  workers: 2\nnimbus: {port: 6627}\n"));
    EXPECT_EQ(settings_of("a: {b.c: {d: x}}"), (Settings{{"a.b.c.d", "x"}}));
}

TEST(SettingsFile, EmptyFileSetsNothing) {
    EXPECT_EQ(settings_of(""), Settings{});
    EXPECT_EQ(settings_of("# nothing yet\n"), Settings{});
    EXPECT_EQ(settings_of("a: {}"), Settings{});
}

TEST(SettingsFile, ScalarIsTheTextThatStandsThere) {
    EXPECT_EQ(
        settings_of("a: 1.50\nb: true\nc: some words\nd: ''\ne: 127.0.0.1:2181\nf: -3\ng: 0\n"),
        (Settings{{"a", "1.50"},
                  {"b", "true"},
                  {"c", "some words"},
                  {"d", ""},
                  {"e", "127.0.0.1:2181"},
                  {"f", "-3"},
                  {"g", "0"}}));
}

TEST(SettingsFile, ListBecomesJsonText) {
    EXPECT_EQ(settings_of("a: [alpha, \"7\", 6700, true, -1.5e3]").at("a"),
              R"(["alpha","7",6700,true,-1.5e3])");
    EXPECT_EQ(settings_of("a:\n- {host: alpha, ports: [1, 2]}\n- []\n").at("a"),
              R"([{"host":"alpha","ports":[1,2]},[]])");
    EXPECT_EQ(settings_of("a: [\"q\\\"\\\\\\n\"]").at("a"), R"(["q\"\\\u000a"])");
}

TEST(SettingsFile, WordThatReadersDisagreeAboutHasToBeQuoted) {
    EXPECT_EQ(
        error_of("x: 1\nstorm.insecure: no\n"),
        "cannot read settings a.yaml:2: \"storm.insecure\" is no without quotes: some readers "
        "take it for false; write false, or \"no\" with the quotes if the text is meant");
    EXPECT_THAT(error_of("a: Yes"), HasSubstr("write true"));
    EXPECT_THAT(error_of("a: off"), HasSubstr("write false"));
    EXPECT_THAT(error_of("a: True"), HasSubstr("write true"));
    EXPECT_THAT(error_of("a: 08080"), HasSubstr("octal number; write 8080"));
    EXPECT_THAT(error_of("a: 00"), HasSubstr("octal number; write 0"));
    EXPECT_THAT(error_of("a: 0x1f"), HasSubstr("write the decimal number"));
    EXPECT_THAT(error_of("a: 1_000"), HasSubstr("write only its digits"));
    EXPECT_THAT(error_of("a: 22:30"), HasSubstr("base of 60"));
    EXPECT_THAT(error_of("a: [no]"), HasSubstr("write false"));
    EXPECT_EQ(settings_of("a: \"no\"\nb: '08080'\n"), (Settings{{"a", "no"}, {"b", "08080"}}));
}

TEST(SettingsFile, KeyWithoutAValueIsRefused) {
    EXPECT_THAT(error_of("a: 1\nb:\n"), HasSubstr("a.yaml:2: \"b\" has no value; write \"\""));
    EXPECT_THAT(error_of("a: ~"), HasSubstr("\"a\" has no value"));
    EXPECT_THAT(error_of("a: [null]"), HasSubstr("\"a\" has no value"));
}

TEST(SettingsFile, KeyThatIsSetTwiceIsRefused) {
    EXPECT_THAT(error_of("a.b: 1\na.b: 2\n"), HasSubstr("a.yaml:2: \"a.b\" is set a second time"));
    EXPECT_THAT(error_of("a.b: 1\na: {b: 2}\n"), HasSubstr("\"a.b\" is set a second time"));
}

TEST(SettingsFile, FileThatIsNoMapIsRefused) {
    EXPECT_THAT(error_of("just words"), HasSubstr("a.yaml:1: the file is not a map"));
    EXPECT_THAT(error_of("- a\n- b\n"), HasSubstr("the file is not a map"));
    EXPECT_THAT(error_of("[a]: b"), HasSubstr("a key is not a word"));
    EXPECT_THAT(error_of("a: 1\n---\nb: 2\n"), HasSubstr("several documents"));
    EXPECT_THAT(error_of("base: &b {x: 1}\nc: {<<: *b}\n"), HasSubstr("merge keys"));
}

TEST(SettingsFile, SyntaxErrorNamesItsLine) {
    EXPECT_THAT(error_of("a: 1\nb: [1, 2\n"), HasSubstr("cannot read settings a.yaml:"));
    EXPECT_THAT(error_of("a: 1\n\tb: 2\n"), HasSubstr("a.yaml:2:"));
    EXPECT_THAT(error_of("a: *nothing"), HasSubstr("a.yaml:1:"));
}

TEST(SettingsFile, AliasesThatMultiplyAreRefused) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        const std::string from = std::to_string(i - 1), to = std::to_string(i);
        text += "a" + to + ": &a" + to + " [";
        for (int j = 0; j < 10; ++j) text += (j == 0 ? "*a" : ", *a") + from;
        text += "]\n";
    }

    EXPECT_THAT(error_of(text), HasSubstr("the file holds too much"));
}

TEST(SettingsFile, DeepNestingIsRefused) {
    EXPECT_THAT(error_of("a: " + std::string(20, '[') + std::string(20, ']')),
                HasSubstr("nested too deep"));
    EXPECT_NE(error_of("a: " + std::string(100'000, '[')), "no error");
}

// These two read files, although they are unit tests: opening one is what they are about.
TEST(SettingsFile, FileThatCannotBeReadIsNamed) {
    const Result<Settings> missing = read_settings_file("/nowhere/storm.yaml");
    const Result<Settings> folder = read_settings_file("/");

    EXPECT_EQ(missing.error().message,
              "cannot open settings \"/nowhere/storm.yaml\": No such file or directory");
    EXPECT_EQ(folder.error().message, "cannot read settings \"/\": it is not a file");
}

TEST(SettingsFile, FileIsReadLikeItsText) {
    const std::string path = testing::TempDir() + "settings_file_test.yaml";
    std::ofstream(path) << "topology.workers: 2\n";

    EXPECT_EQ(read_settings_file(path).value(), (Settings{{"topology.workers", "2"}}));
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace storm::base

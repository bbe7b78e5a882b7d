// A shell offers what the program takes: verbs, options, values, and nothing else.
// Method: a command line with one of each.

#include "cli/completion.h"

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace storm::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct CompletionTest : ::testing::Test {
    CompletionTest() {
        CLI::App& kill = *app.add_subcommand("kill", "Remove it");
        name = kill.add_option("NAME", text);
        kill.add_option("-w,--wait", text, "How long")->type_name("SECS");
        kill.add_flag("--detach", flag, "Do not wait");
        add_settings_options(kill, options);
        app.add_subcommand("keep", "Keep it")->add_option("FILES", text)->type_name("FILE");
        offers[name] = [](const SettingsOptions& given) {
            std::vector<std::string> names{"wc", "wc-2"};
            names.insert(names.end(), given.assignments.begin(), given.assignments.end());
            return names;
        };
    }

    std::vector<std::string> of(const std::vector<std::string>& words) const {
        return complete(app, words, offers);
    }

    CLI::App app{"a program", "program"};
    const CLI::Option* name = nullptr;
    std::string text;
    bool flag = false;
    SettingsOptions options;
    Offers offers;
};

TEST_F(CompletionTest, OffersVerbsWithTheirDescriptions) {
    EXPECT_THAT(of({""}), ElementsAre("kill\tRemove it", "keep\tKeep it"));
    EXPECT_THAT(of({"ki"}), ElementsAre("kill\tRemove it"));
    EXPECT_THAT(of({"x"}), IsEmpty());
}

TEST_F(CompletionTest, OffersTheOptionsOfTheVerb) {
    EXPECT_THAT(of({"kill", "--"}),
                UnorderedElementsAre(HasSubstr("--help\t"), "--wait\tHow long",
                                     "--detach\tDo not wait", HasSubstr("--config\t")));
    EXPECT_THAT(of({"keep", "--d"}), IsEmpty());
}

TEST_F(CompletionTest, OffersValuesForArgumentsAndOptions) {
    EXPECT_THAT(of({"kill", ""}), ElementsAre("wc", "wc-2"));
    EXPECT_THAT(of({"kill", "--detach", "wc-"}), ElementsAre("wc-2"));
    EXPECT_THAT(of({"kill", "--wait", "10", ""}), ElementsAre("wc", "wc-2"));
    EXPECT_THAT(of({"kill", "--wait", ""}), IsEmpty()) << "nobody knows how long";
    EXPECT_THAT(of({"kill", "wc", ""}), IsEmpty()) << "there is one name";
    EXPECT_THAT(of({"keep", ""}), ElementsAre(":files"));
    EXPECT_THAT(of({"kill", "--config", ""}), ElementsAre(":files"));
}

TEST_F(CompletionTest, AnOfferKnowsTheSettingsBeforeIt) {
    EXPECT_THAT(of({"kill", "-c", "a=b", ""}), ElementsAre("wc", "wc-2", "a=b"));
}

TEST_F(CompletionTest, AnOfferThatFailsIsNone) {
    offers[name] = [](const SettingsOptions&) -> std::vector<std::string> {
        throw std::runtime_error("nobody answers");
    };
    EXPECT_THAT(of({"kill", ""}), IsEmpty());
}

TEST_F(CompletionTest, AnswersOnlyWhoAsks) {
    const std::array<const char*, 4> asks{"program", "__complete", "ki", nullptr};
    const std::array<const char*, 4> acts{"program", "kill", "ki", nullptr};
    EXPECT_EQ(words_to_complete(3, asks.data()), std::vector<std::string>{"ki"});
    EXPECT_EQ(words_to_complete(3, acts.data()), std::nullopt);
}

TEST(CompletionScript, AsksTheProgramInEachShell) {
    for (const char* const shell : {"bash", "zsh", "fish"})
        EXPECT_THAT(std::string(completion_script(shell)), HasSubstr("__complete")) << shell;
}

}  // namespace
}  // namespace storm::cli

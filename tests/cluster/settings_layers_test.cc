// Later layers win, every setting knows where it came from, and all mistakes are told at once.

#include "cluster/settings_layers.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <unistd.h>

#include "cluster/settings_references.h"
#include "tests/support/temp_dir.h"

namespace storm::cluster {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class SettingsLayers : public ::testing::Test {
protected:
    SettingsFile file(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / name) << text;
        return {folder_ / name};
    }
    SettingsFile missing() const { return {folder_ / "none.yaml"}; }

    storm::testing::TempDir temp_;
    const std::filesystem::path folder_ = temp_.root();
};

TEST_F(SettingsLayers, LaterOnesWin) {
    const SettingsFile first = file("first", "topology.workers: 2\ntopology.name: a\nmine: x\n");
    const SettingsFile second = file("second", "topology:\n  workers: 3\n  name: b\n");

    const auto settings = layer_settings({first, second}, {"topology.workers=4", "mine=y=z"});

    ASSERT_TRUE(settings.has_value());
    EXPECT_EQ(settings->config.int64("topology.workers"), 4);
    EXPECT_EQ(settings->config.string("topology.name"), "b");
    EXPECT_EQ(settings->config.string("mine"), "y=z");
    EXPECT_EQ(settings->origins.find("topology.workers")->second, "-c");
    EXPECT_EQ(settings->origins.find("topology.name")->second, second.path);
}

TEST_F(SettingsLayers, AMissingFileIsAMistakeUnlessItIsOptional) {
    SettingsFile optional = missing();
    optional.optional = true;

    EXPECT_TRUE(layer_settings({optional}, {}).has_value());
    EXPECT_THAT(layer_settings({missing()}, {}).error().message, HasSubstr("none.yaml"));
}

TEST_F(SettingsLayers, AFileThatMayBeClosedIsLeftOut) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
    SettingsFile closed = file("closed", "mine: x\n");
    std::filesystem::permissions(closed.path, std::filesystem::perms::none);

    EXPECT_FALSE(layer_settings({closed}, {}).has_value());
    closed.may_be_closed = true;
    EXPECT_TRUE(layer_settings({closed}, {}).has_value());
}

TEST_F(SettingsLayers, ReferencesAreResolved) {
    const SettingsFile secret = file("secret", "hunter2\n");
    ::setenv("STORM_TEST_WORKERS", "3", 1);

    const auto settings = layer_settings({file("a", "pin: \"${file:" + secret.path + "}\"\n")},
                                         {"topology.workers=${env:STORM_TEST_WORKERS}",
                                          "url=a://${env:STORM_TEST_WORKERS}/$x$${y}"});

    ASSERT_TRUE(settings.has_value()) << settings.error().message;
    EXPECT_EQ(settings->config.string("pin"), "hunter2");
    EXPECT_EQ(settings->config.int64("topology.workers"), 3);
    EXPECT_EQ(settings->config.string("url"), "a://3/$x${y}");
}

TEST_F(SettingsLayers, WhatIsReferredToIsASecret) {
    const SettingsFile secret = file("secret", "hunter2\n");
    const std::string reference = "${file:" + secret.path + "}";

    const auto settings =
        layer_settings({}, {"pin=" + reference, "plain=" + reference, "plain=x",
                            "topology.secret.settings=salt", "topology.name=" + reference});

    ASSERT_TRUE(settings.has_value());
    EXPECT_EQ(settings->config.list("topology.secret.settings"),
              (std::vector<std::string>{"salt", "pin"}));
    EXPECT_EQ(settings->origins.size(), settings->config.entries().size());
}

TEST_F(SettingsLayers, WrongReferencesAreMistakes) {
    const auto mistake = [](const std::string& value) {
        const auto settings = layer_settings({}, {"mine=" + value});
        return settings ? std::string() : settings.error().message;
    };

    EXPECT_THAT(mistake("${env:STORM_TEST_NONE}"),
                AllOf(HasSubstr("mine"), HasSubstr("no environment variable STORM_TEST_NONE")));
    EXPECT_THAT(mistake("${file:/nonexistent/x}"), HasSubstr("/nonexistent/x"));
    EXPECT_THAT(mistake("${file:relative}"), HasSubstr("is not a reference"));
    EXPECT_THAT(mistake("${evn:X}"), AllOf(HasSubstr("${env:NAME}"), HasSubstr("$${")));
    EXPECT_THAT(mistake("${env:X"), HasSubstr("has no \"}\""));
}

TEST(SettingsReferences, EscapedTextsResolveToThemselves) {
    for (const std::string text : {"", "$", "${", "$${", "$$${x}", "a${env:HOME}b", "{}$}"}) {
        const auto resolved = resolve_references(escape_references(text));
        ASSERT_TRUE(resolved.has_value()) << text;
        EXPECT_EQ(resolved->value, text);
        EXPECT_FALSE(resolved->referred);
    }
}

TEST_F(SettingsLayers, MistakesShowNoSecret) {
    const auto settings = layer_settings({}, {"storm.db.password=hunter2"});

    ASSERT_FALSE(settings.has_value());
    EXPECT_THAT(settings.error().message, HasSubstr("storm.db.password"));
    EXPECT_EQ(settings.error().message.find("hunter2"), std::string::npos);
}

TEST_F(SettingsLayers, TellAllMistakesAtOnce) {
    const SettingsFile bad = file("bad", "topology.wokers: 2\n");

    const auto settings = layer_settings(
        {missing(), bad}, {"nothing", "storm.log.level=loud", "topology.debug=true", "=x"});

    ASSERT_FALSE(settings.has_value());
    EXPECT_THAT(settings.error().message,
                AllOf(HasSubstr("none.yaml"),
                      HasSubstr(bad.path + ": unknown setting \"topology.wokers\"; did you mean "
                                           "\"topology.workers\"?\n"),
                      HasSubstr("-c nothing: not a setting; write -c nothing=VALUE\n"),
                      HasSubstr("-c storm.log.level=loud: setting \"storm.log.level\" is \"loud\""),
                      HasSubstr("-c =x: ")));
}

TEST_F(SettingsLayers, HaveTheDocumentedOrder) {
    setenv("HOME", "/home/me", 1);
    setenv("STORM_CONFIG", "/tmp/mine.yaml", 1);

    const std::vector<SettingsFile> files = settings_files({"a.yaml", "b.yaml"});

    std::vector<std::string> paths;
    for (const SettingsFile& each : files) paths.push_back(each.path + (each.optional ? "?" : ""));
    EXPECT_THAT(paths,
                ::testing::ElementsAre("/etc/storm/storm.yaml?", "/home/me/.storm/storm.yaml?",
                                       "/tmp/mine.yaml", "a.yaml", "b.yaml"));
}

}  // namespace
}  // namespace storm::cluster

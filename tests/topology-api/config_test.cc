// Settings come from people: most tests are about what they are told when a key or a value is
// wrong.
#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <storm/config.h>

namespace storm {
namespace {

using testing::HasSubstr;

template <typename Call>
std::string message_of(Call call) {
    try {
        call();
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "nothing was thrown";
}

std::string refusal_of(std::string_view key, std::string_view value) {
    return message_of([=] { Config().set(key, value); });
}

TEST(Config, RefusesKeysWithControlCharactersAndShowsNone) {
    const std::string refusal = refusal_of("mine\nerror: forged", "x");

    EXPECT_THAT(refusal, HasSubstr("\"mine?error: forged\" has a control character"));
    EXPECT_EQ(refusal.find('\n'), std::string::npos);
}

TEST(Config, SaysNoSecretWhereItsValueIsWrong) {
    Config config;
    config.set("db.password", "hunter2");

    const std::string refusal = message_of([&] { config.int64("db.password"); });

    EXPECT_THAT(refusal, HasSubstr("db.password"));
    EXPECT_EQ(refusal.find("hunter2"), std::string::npos);
}

TEST(Config, KeepsTheUsersOwnKeys) {
    Config config;
    config.set("input", "lines.txt");
    config.set("repeat", "3");
    config.set("share", "0.5");
    config.set("follow", "true");
    config.set("tags", "a, b");

    EXPECT_TRUE(config.has("input"));
    EXPECT_EQ(config.string("input"), "lines.txt");
    EXPECT_EQ(config.int64("repeat"), 3);
    EXPECT_EQ(config.real("share"), 0.5);
    EXPECT_EQ(config.real("repeat"), 3.0);
    EXPECT_TRUE(config.boolean("follow"));
    EXPECT_EQ(config.list("tags"), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(config.entries().size(), 5u);
}

TEST(Config, LaterValueWins) {
    Config config;
    config.set("topology.workers", "2");
    config.set("topology.workers", "3");

    EXPECT_EQ(config.int64("topology.workers"), 3);
}

TEST(Config, FallbackServesWhenThereIsNeitherValueNorDefault) {
    Config config;

    EXPECT_EQ(config.string("input", "-"), "-");
    EXPECT_EQ(config.int64("repeat", 7), 7);
    EXPECT_EQ(config.real("share", 0.25), 0.25);
    EXPECT_TRUE(config.boolean("follow", true));
    EXPECT_EQ(config.int64("topology.workers", 7), 1);
    EXPECT_EQ(config.int64("topology.tasks", 7), 7);
}

TEST(Config, KnownSettingHasItsDefault) {
    const Config config;

    EXPECT_EQ(config.int64("topology.message.timeout.secs"), 30);
    EXPECT_TRUE(config.boolean("topology.enable.message.timeouts"));
    EXPECT_EQ(config.string("topology.executor.threads"), "loop");
    EXPECT_EQ(config.list("supervisor.slots.ports").size(), 4u);
    EXPECT_TRUE(config.has("topology.workers"));
    EXPECT_FALSE(config.has("topology.max.spout.pending"));
    EXPECT_TRUE(config.entries().empty());
}

TEST(Config, MissingKeyIsAnsweredWithHowToGiveIt) {
    Config config;
    config.set("inptu", "lines.txt");

    EXPECT_EQ(message_of([&] { config.string("output"); }),
              "setting \"output\" is not set; give it with -c output=VALUE or in a --config file");
    EXPECT_EQ(message_of([&] { config.string("input"); }),
              "setting \"input\" is not set; did you mean \"inptu\"? Else give it with -c "
              "input=VALUE or in a --config file");
}

TEST(Config, UnknownKeyOfStormsIsAnsweredWithTheClosestOne) {
    EXPECT_EQ(refusal_of("topology.wrkers", "2"),
              "unknown setting \"topology.wrkers\"; did you mean \"topology.workers\"?");
    EXPECT_THAT(refusal_of("topology.max.spout.pendng", "2"),
                HasSubstr("\"topology.max.spout.pending\""));
    EXPECT_THAT(refusal_of("supervisor.slot.ports", "1"), HasSubstr("\"supervisor.slots.ports\""));
}

TEST(Config, UnknownKeyThatSharesWordsIsAnsweredWithThoseKeys) {
    const std::string refusal = refusal_of("topology.timeout", "2");

    EXPECT_THAT(refusal, HasSubstr("\"topology.message.timeout.secs\""));
    EXPECT_THAT(refusal, HasSubstr("\"topology.drain.timeout.ms\""));
}

TEST(Config, UnknownKeyThatIsLikeNoneIsAnsweredWithWhereOwnKeysGo) {
    EXPECT_EQ(refusal_of("topology.colour", "red"),
              "unknown setting \"topology.colour\"; keys of your own may start with anything but "
              "topology., storm., nimbus., supervisor. and worker.");
    EXPECT_THAT(refusal_of("worker.colour", "red"), HasSubstr("unknown setting"));
    EXPECT_THAT(refusal_of("", "red"), HasSubstr("empty key"));
}

TEST(Config, ValueOutOfItsRangeIsRefused) {
    EXPECT_EQ(refusal_of("topology.workers", "0"),
              "setting \"topology.workers\" is \"0\", but must be an integer from 1 to 1000; the "
              "default is 1");
    EXPECT_THAT(refusal_of("topology.max.tuple.bytes", "16777209"),
                HasSubstr("from 1024 to 16777208"));
    EXPECT_THAT(refusal_of("nimbus.port", "65536"), HasSubstr("from 0 to 65535"));
    EXPECT_THAT(refusal_of("topology.workers", "99999999999999999999"),
                HasSubstr("from 1 to 1000"));
}

TEST(Config, NumberIsPlainDecimal) {
    const auto hint = [](std::string_view value) { return refusal_of("nimbus.port", value); };

    EXPECT_THAT(hint("08080"), HasSubstr("octal: 8080"));
    EXPECT_THAT(hint("00"), HasSubstr("octal: 0"));
    EXPECT_THAT(hint("no"), HasSubstr("a number, not a switch"));
    EXPECT_THAT(hint("+80"), HasSubstr("without the plus"));
    EXPECT_THAT(hint("80k"), HasSubstr("decimal digits only"));
    EXPECT_THAT(hint("8_080"), HasSubstr("decimal digits only"));
    EXPECT_THAT(hint("80.0"), HasSubstr("decimal digits only"));
    EXPECT_THAT(hint(" 80"), HasSubstr("an integer from 0 to 65535"));
    EXPECT_THAT(hint(""), HasSubstr("give it a value"));
    EXPECT_THAT(hint("-"), HasSubstr("an integer from 0 to 65535"));
}

TEST(Config, SwitchIsTrueOrFalse) {
    EXPECT_EQ(refusal_of("storm.insecure", "no"),
              "setting \"storm.insecure\" is \"no\", but must be true or false; write false");
    EXPECT_THAT(refusal_of("storm.insecure", "True"), HasSubstr("write true"));
    EXPECT_THAT(refusal_of("storm.insecure", "maybe"), HasSubstr("the default is false"));
}

TEST(Config, WordIsOneOfItsChoices) {
    EXPECT_EQ(refusal_of("topology.executor.threads", "many"),
              "setting \"topology.executor.threads\" is \"many\", but must be one of "
              "loop|dedicated; the default is loop");
    EXPECT_EQ(refusal_of("topology.executor.threads", "dedicated"), "nothing was thrown");
    EXPECT_THAT(refusal_of("storm.log.level", "inf"), HasSubstr("one of debug|info|warn|error"));
    EXPECT_THAT(refusal_of("storm.log.level", ""), HasSubstr("one of"));
}

TEST(Config, ListIsJsonOrItemsBetweenCommas) {
    Config config;
    const auto items = [&config](std::string_view text) {
        config.set("nimbus.seeds", text);
        return config.list("nimbus.seeds");
    };
    using Items = std::vector<std::string>;

    EXPECT_EQ(items("alpha"), Items{"alpha"});
    EXPECT_EQ(items("alpha:1, beta"), (Items{"alpha:1", "beta"}));
    EXPECT_EQ(items(R"([ "alpha" ,"b\"\\c" ])"), (Items{"alpha", "b\"\\c"}));
    EXPECT_EQ(items("[]"), Items{});
    EXPECT_EQ(items(""), Items{});
    for (const std::string_view wrong :
         {"[", "[a", "a,", "a]", "[a]b", "[[a]]", "{a}", "\"a", "\"a\\n\"", ",", "\"\\"}) {
        EXPECT_THAT(refusal_of("nimbus.seeds", wrong), HasSubstr("must be a list")) << wrong;
    }
}

TEST(Config, ItemsOfANumericListHaveItsRange) {
    EXPECT_EQ(refusal_of("supervisor.slots.ports", "[6700,6701]"), "nothing was thrown");
    EXPECT_THAT(refusal_of("supervisor.slots.ports", "[6700,70000]"),
                HasSubstr("a list of integers from 0 to 65535"));
    EXPECT_THAT(refusal_of("supervisor.slots.ports", "a"), HasSubstr("a list of integers"));
}

TEST(Config, OwnValueOfAnotherTypeIsRefusedWhenItIsRead) {
    Config config;
    config.set("repeat", "often");

    EXPECT_EQ(message_of([&] { config.int64("repeat"); }),
              "setting \"repeat\" is \"often\", but must be an integer");
    EXPECT_THAT(message_of([&] { config.int64("repeat", 1); }), HasSubstr("must be an integer"));
    EXPECT_THAT(message_of([&] { config.real("repeat"); }), HasSubstr("must be a number"));
    EXPECT_THAT(message_of([&] { config.boolean("repeat"); }), HasSubstr("must be true or false"));
    config.set("repeat", "inf");
    EXPECT_THAT(message_of([&] { config.real("repeat"); }), HasSubstr("must be a number"));
}

TEST(KnownSettings, AreDescribedAndTheirDefaultsAreValid) {
    for (const Setting& setting : known_settings()) {
        EXPECT_TRUE(setting.description.ends_with('.')) << setting.key;
        EXPECT_TRUE(setting.type != Setting::Type::kInt || setting.min < setting.max)
            << setting.key;
        if (setting.default_value.empty()) continue;
        EXPECT_EQ(refusal_of(setting.key, setting.default_value), "nothing was thrown");
    }
}

TEST(Config, KnowsWhichOfTheUsersKeysNobodyAskedFor) {
    Config config;
    config.set("limti", "3");
    config.set("input", "lines.txt");
    config.set("unlike", "x");
    config.set("topology.workers", "2");
    const Config copy = config;
    EXPECT_EQ(copy.string("input"), "lines.txt");
    EXPECT_EQ(copy.int64("limit", 7), 7);

    EXPECT_THAT(config.never_read(),
                testing::ElementsAre(testing::Pair("limti", "limit"), testing::Pair("unlike", "")));
}

}  // namespace
}  // namespace storm

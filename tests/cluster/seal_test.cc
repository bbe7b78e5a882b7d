// The form of a topology's secrets in ZooKeeper, and who can open them again.
#include "cluster/seal.h"

#include <gmock/gmock.h>

#include "cluster/limits.h"

namespace storm::cluster {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TopologyRecord record() {
    TopologyRecord made;
    made.id = "wc-1-1";
    made.name = "wc";
    made.settings = {{"db.password", "hunter2"},
                     {"empty.secret", ""},
                     {"input", "lines.txt"},
                     {"pin", std::string("\0\xff", 2)},
                     {"topology.secret.settings", "pin"}};
    made.secret = Seal("a token of some length").new_secret();
    return made;
}

TEST(Seal, HidesSecretsAloneAndOpensThemAgain) {
    const Seal seal("a token of some length");

    const auto sealed = seal.sealed(record());
    ASSERT_TRUE(sealed.has_value());
    const auto opened = seal.opened(*sealed);

    EXPECT_TRUE(sealed->sealed);
    EXPECT_THAT(encode(*sealed), Not(HasSubstr("hunter2")));
    EXPECT_EQ(sealed->settings.at("input"), "lines.txt");
    for (const char* const key : {"db.password", "empty.secret", "pin"}) {
        EXPECT_THAT(sealed->settings.at(key), ::testing::StartsWith(std::string(kSealMark)));
    }
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    EXPECT_EQ(opened->settings, record().settings);
}

TEST(Seal, NeverMakesTheSameTwice) {
    const Seal seal("a token of some length");

    EXPECT_NE(seal.sealed(record())->settings, seal.sealed(record())->settings);
}

TEST(Seal, OpensNothingWithAnotherToken) {
    for (const bool has_secrets : {true, false}) {
        TopologyRecord submitted = record();
        if (!has_secrets) submitted.settings.clear();
        const auto sealed = Seal("a token of some length").sealed(submitted);

        const auto opened = Seal("another token").opened(*sealed);

        ASSERT_FALSE(opened.has_value());
        EXPECT_THAT(opened.error().message, HasSubstr("topology \"wc\": the token is not the one"));
    }
}

TEST(Seal, OpensNothingThatWasChangedOrMoved) {
    const Seal seal("a token of some length");
    const TopologyRecord sealed = *seal.sealed(record());
    for (std::size_t i = kSealMark.size(); i < sealed.settings.at("db.password").size(); ++i) {
        TopologyRecord changed = sealed;
        changed.settings["db.password"][i] ^= 1;
        EXPECT_FALSE(seal.opened(changed).has_value()) << i;
    }
    TopologyRecord moved = sealed;
    moved.settings["input"] = sealed.settings.at("db.password");
    EXPECT_FALSE(seal.opened(moved).has_value());
    TopologyRecord cut = sealed;
    cut.settings["db.password"] = std::string(kSealMark);
    EXPECT_FALSE(seal.opened(cut).has_value());
    TopologyRecord renamed = sealed;
    renamed.name = "other";
    EXPECT_FALSE(seal.opened(renamed).has_value());
}

TEST(Seal, GivesWorkersASecretThatLiesNowhere) {
    const Seal seal("a token of some length");
    const TopologyRecord sealed = *seal.sealed(record());

    const TopologyRecord opened = *seal.opened(sealed);

    EXPECT_NE(opened.secret, sealed.secret);
    EXPECT_EQ(opened.secret.size(), sealed.secret.size());
    EXPECT_EQ(opened.secret, seal.opened(sealed)->secret);  // Every Supervisor's workers have it.
}

TEST(Seal, TakesWhatWasSubmittedBeforeAsItIs) {
    TopologyRecord old = record();
    old.secret = std::string(kSecretBytes, 's');

    EXPECT_EQ(*Seal("a token of some length").opened(old), old);
}

TEST(Seal, RefusesWhatLooksSealed) {
    TopologyRecord made = record();
    made.settings["input"] = std::string(kSealMark) + "x";

    EXPECT_THAT(Seal("a token of some length").sealed(made).error().message, HasSubstr("input"));
}

}  // namespace
}  // namespace storm::cluster

// The form of a topology's secrets in ZooKeeper, and who can open them again.
#include "cluster/seal.h"

#include <gmock/gmock.h>

#include "cluster/limits.h"
#include "cluster/record_codec.h"
#include "cluster/sealed_answer.h"

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
    EXPECT_EQ(opened.secret,
              seal.opened(sealed)->secret);  // Every Supervisor's workers have it.
}

TEST(Seal, TakesWhatWasSubmittedBeforeAsItIs) {
    TopologyRecord old = record();
    old.secret = std::string(kSecretBytes, 's');

    EXPECT_EQ(*Seal("a token of some length").opened(old), old);
}

TEST(Seal, KnowsTheKeyThatWorkersMakeOfTheirSecret) {
    const Seal seal("a token of some length");
    const TopologyRecord sealed = *seal.sealed(record());
    TopologyRecord old = record();

    EXPECT_EQ(seal.answer_key(sealed), answer_key(seal.opened(sealed)->secret, "wc-1-1"));
    EXPECT_EQ(seal.answer_key(old), answer_key(old.secret, "wc-1-1"));
    EXPECT_EQ(Seal("another token").answer_key(sealed), std::nullopt);
    EXPECT_EQ(seal.answer_key(TopologyRecord{}), std::nullopt) << "anybody could make that one";
}

TEST(Seal, AMarkOfARemovalKeepsThatKeyAloneAndHidesIt) {
    const Seal seal("a token of some length");
    const TopologyRecord sealed = *seal.sealed(record());
    const std::string key = seal.answer_key(sealed).value();

    const Removal removal = *decode<Removal>(encode(seal.removal_of(sealed)));

    EXPECT_EQ(seal.answer_key("wc-1-1", removal), key);
    EXPECT_LE(removal.answer_key.size(), kSealedKeyBytesMax);
    for (const std::string& hidden : {key, sealed.secret, seal.opened(sealed)->secret}) {
        EXPECT_THAT(encode(removal), Not(HasSubstr(hidden)));
    }
    EXPECT_EQ(seal.answer_key("wc-2-1", removal), std::nullopt);
    EXPECT_EQ(Seal("another token").answer_key("wc-1-1", removal), std::nullopt);
    for (std::size_t i = 0; i < removal.answer_key.size(); ++i) {
        Removal changed = removal;
        changed.answer_key[i] ^= 1;
        EXPECT_EQ(seal.answer_key("wc-1-1", changed), std::nullopt) << i;
    }
}

TEST(Seal, AMarkWithoutAKeyHasNone) {
    const Seal seal("a token of some length");
    TopologyRecord unknown;
    unknown.id = "wc-1-1";

    EXPECT_EQ(seal.removal_of(unknown), Removal{});
    EXPECT_EQ(seal.answer_key("wc-1-1", Removal{}), std::nullopt);
    EXPECT_EQ(seal.answer_key("wc-1-1", Removal{std::string(kSealMark)}), std::nullopt);
}

TEST(Seal, RefusesWhatLooksSealed) {
    TopologyRecord made = record();
    made.settings["input"] = std::string(kSealMark) + "x";

    EXPECT_THAT(Seal("a token of some length").sealed(made).error().message, HasSubstr("input"));
}

}  // namespace
}  // namespace storm::cluster

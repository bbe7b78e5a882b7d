// Goal:   a seal holds for exactly the answer, question, topology and key that it was made for.
// Method: everything that differs, one by one; two answers whose fields together are the same text.

#include "cluster/sealed_answer.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/sha256.h"

namespace storm::cluster {
namespace {

const std::string kAsked(64, 'a');

TEST(SealedAnswer, ASealHoldsForExactlyWhatWasAnswered) {
    const std::string key = answer_key("the workers' secret", "wc-1-1");
    const SealedAnswer answer{"wc-1-1", kAsked, 410, "removed"};
    const std::string seal = seal_of(answer, key);
    const auto with = [&](auto change) {
        SealedAnswer other = answer;
        change(other);
        return is_sealed(other, key, seal);
    };
    const std::string other_challenge(64, 'b');

    EXPECT_TRUE(is_sealed(answer, key, seal));
    EXPECT_FALSE(with([](auto& other) { other.topology = "wc-2-1"; }));
    EXPECT_FALSE(with([&](auto& other) { other.challenge = other_challenge; }));
    EXPECT_FALSE(with([](auto& other) { other.status = 200; }));
    EXPECT_FALSE(with([](auto& other) { other.body_sha256 = "remove"; }));
    EXPECT_FALSE(with([](auto& other) { other.body_sha256 = "removed "; }));
    EXPECT_FALSE(is_sealed(answer, answer_key("another secret", "wc-1-1"), seal));
    EXPECT_FALSE(is_sealed(answer, answer_key("the workers' secret", "wc-2-1"), seal));
    EXPECT_FALSE(is_sealed(answer, "the workers' secret", seal)) << "the key is of its own use";
}

TEST(SealedAnswer, ASealThatIsCutOffOrLongerIsNone) {
    const std::string key = answer_key("secret", "wc-1-1");
    const SealedAnswer answer{"wc-1-1", kAsked, 410, {}};
    const std::string seal = seal_of(answer, key);

    EXPECT_EQ(seal.size(), 64U);
    for (std::size_t size = 0; size < seal.size(); ++size) {
        EXPECT_FALSE(is_sealed(answer, key, seal.substr(0, size)));
    }
    EXPECT_FALSE(is_sealed(answer, key, seal + '0'));
    EXPECT_FALSE(is_sealed(answer, key, seal + seal));
}

TEST(SealedAnswer, WhereOneFieldEndsAndTheNextBeginsIsSealed) {
    const std::vector<SealedAnswer> of_the_same_text = {
        {"wc", "1200", 200, "200"}, {"wc1", "200", 200, "200"}, {"wc", "120", 200, "0200"},
        {"w", "c1200", 200, "200"}, {"wc", "1200", 20, "0200"}, {"", "wc1200", 200, "200"},
        {"wc1200", "", 200, "200"}, {"wc", "1200", 2, "00200"}};
    std::set<std::string> seals;

    for (const SealedAnswer& each : of_the_same_text) seals.insert(seal_of(each, "key"));

    EXPECT_EQ(seals.size(), of_the_same_text.size());
}

TEST(SealedAnswer, StaysAsItIsBetweenVersions) {
    EXPECT_EQ(
        seal_of({"wc-1-1", kAsked, 200, base::sha256("body")}, answer_key("secret", "wc-1-1")),
        "cf475113e4a016aa9dd0fa05a347f7fb4d6bb566e6f18bafe42268993dad5040");
}

TEST(SealedAnswer, NoChallengeComesTwiceAndOthersAreNone) {
    std::set<std::string> made;
    for (int i = 0; i < 1'000; ++i) made.insert(new_challenge());

    EXPECT_EQ(made.size(), 1'000U);
    EXPECT_TRUE(is_challenge(*made.begin()));
    EXPECT_FALSE(is_challenge(""));
    EXPECT_FALSE(is_challenge(std::string(63, 'a')));
    EXPECT_FALSE(is_challenge(std::string(65, 'a')));
    EXPECT_FALSE(is_challenge(std::string(64, 'A')));
    EXPECT_FALSE(is_challenge(std::string(63, 'a') + '\n'));
}

}  // namespace
}  // namespace storm::cluster

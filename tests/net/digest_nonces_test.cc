// Nonces are good for their time where they were issued, no use is accepted twice, whatever a book
// forgets, and a client that fills a book keeps nobody out. Method: a clock that the test moves; a
// record of all accepted uses.

#include "net/digest_nonces.h"

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "net/limits.h"
#include "tests/support/stopped_clock.h"

namespace storm::net {
namespace {

using storm::testing::StoppedClock;

TEST(DigestNonces, AreGoodForTheirTimeAndOnlyWhereTheyCameFrom) {
    StoppedClock clock;
    DigestNonces nonces(clock, "ours");
    DigestNonces others(clock, "theirs");

    const std::string nonce = nonces.issue();

    EXPECT_NE(nonces.issue(), nonce);
    EXPECT_TRUE(nonces.read(nonce));
    EXPECT_FALSE(nonces.read(others.issue()));
    for (std::size_t i = 0; i < nonce.size(); ++i) {
        std::string changed = nonce;
        changed[i] = changed[i] == '0' ? '1' : '0';
        EXPECT_FALSE(nonces.read(changed)) << i;
    }
    for (const std::string& bad : {std::string(), nonce + '0', nonce.substr(1), std::string("x"),
                                   std::string(nonce.size(), 'f')}) {
        EXPECT_FALSE(nonces.read(bad)) << bad;
    }
    clock.advance(kDigestNonceLife - 1);
    EXPECT_TRUE(nonces.read(nonce));
    clock.advance(1);
    EXPECT_FALSE(nonces.read(nonce));
}

TEST(DigestNonces, AConversationGoesOnWithAYoungerOne) {
    StoppedClock clock;
    DigestNonces nonces(clock, "ours");
    const auto first = *nonces.read(nonces.issue());

    clock.advance(kDigestNonceLife / 2 - 1);
    EXPECT_EQ(nonces.next(first), "");
    clock.advance(1);
    const auto second = nonces.read(nonces.next(first));

    ASSERT_TRUE(second);
    EXPECT_EQ(second->conversation, first.conversation);
    EXPECT_GT(second->when, first.when);
    EXPECT_NE(nonces.read(nonces.issue())->conversation, first.conversation);
}

TEST(NonceBook, NoTurnComesTwice) {
    NonceBook book(8);
    const DigestNonce nonce{100, 1};

    EXPECT_FALSE(book.use(nonce, 0, 100));
    EXPECT_TRUE(book.use(nonce, 1, 100));
    EXPECT_FALSE(book.use(nonce, 1, 100));
    EXPECT_TRUE(book.use(nonce, 7, 100)) << "what lies between was lost";
    EXPECT_FALSE(book.use(nonce, 3, 100)) << "or is somebody else's now";
    EXPECT_FALSE(book.use(nonce, 7, 100));
    EXPECT_TRUE(book.use(nonce, 0xffff'ffff, 100));
    EXPECT_FALSE(book.use(nonce, 0, 100));
    EXPECT_TRUE(book.use({100, 2}, 1, 100));
}

TEST(NonceBook, TheNextNonceTakesThePlaceOfTheOneBefore) {
    NonceBook book(8);

    EXPECT_TRUE(book.use({100, 1}, 5, 100));
    EXPECT_TRUE(book.use({200, 1}, 1, 200));
    EXPECT_EQ(book.size(), 1U);
    EXPECT_FALSE(book.use({100, 1}, 6, 200)) << "its time is not over, but its turn";
    EXPECT_TRUE(book.use({200, 1}, 2, 200));
    EXPECT_EQ(book.size(), 1U);
}

TEST(NonceBook, WhatIsTooOldMakesRoom) {
    NonceBook book(8);
    for (std::uint64_t i = 1; i <= 8; ++i) EXPECT_TRUE(book.use({100, i}, 1, 100));
    EXPECT_EQ(book.size(), 8U);

    EXPECT_TRUE(book.use({kDigestNonceLife, 9}, 1, 100 + kDigestNonceLife));

    EXPECT_EQ(book.size(), 1U);
}

TEST(NonceBook, AFullOneForgetsTheOldestAndTakesNothingThatOldAgain) {
    NonceBook book(3);
    EXPECT_TRUE(book.use({100, 1}, 1, 100));
    EXPECT_TRUE(book.use({110, 2}, 1, 110));
    EXPECT_TRUE(book.use({120, 3}, 1, 120));
    EXPECT_TRUE(book.use({130, 1}, 1, 130)) << "the first goes on";

    EXPECT_TRUE(book.use({140, 4}, 1, 140));

    EXPECT_EQ(book.size(), 3U);
    EXPECT_FALSE(book.use({110, 2}, 2, 140)) << "it was forgotten, and this may have been here";
    EXPECT_FALSE(book.use({105, 5}, 1, 140)) << "as this may";
    EXPECT_TRUE(book.use({120, 3}, 2, 140));
    EXPECT_TRUE(book.use({130, 1}, 2, 140));
    EXPECT_TRUE(book.use({140, 2}, 1, 140)) << "with a new nonce it goes on";
}

TEST(NonceBook, WhateverComesNoTurnIsTakenTwice) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        base::Random random(seed);
        NonceBook book(6);
        std::vector<DigestNonce> issued;
        std::set<std::tuple<base::Micros, std::uint64_t, std::uint32_t>> taken;
        base::Micros now = 1;
        std::uint64_t conversations = 0;
        for (int step = 0; step < 3'000; ++step) {
            if (random.next() % 50 == 0) now += kDigestNonceLife / 3;
            now += static_cast<base::Micros>(random.next() % 2);
            const bool goes_on = !issued.empty() && random.next() % 2 == 0;
            issued.push_back({now, goes_on ? issued[random.next() % issued.size()].conversation
                                           : ++conversations});
            const DigestNonce used =
                issued[issued.size() - 1 -
                       random.next() % std::min<std::size_t>(issued.size(), 40)];
            if (now - used.when >= kDigestNonceLife) continue;
            const auto nc = static_cast<std::uint32_t>(random.next() % 4);
            if (!book.use(used, nc, now)) continue;
            ASSERT_TRUE(taken.emplace(used.when, used.conversation, nc).second)
                << "seed " << seed << ", step " << step;
            ASSERT_LE(book.size(), 6U);
        }
        EXPECT_GT(taken.size(), 500U);
    }
}

TEST(NonceBook, WhoFillsItKeepsNobodyOut) {
    constexpr std::size_t kMost = 1'000;
    NonceBook book(kMost);
    DigestNonce other{1, 1};
    int refused = 0;
    for (base::Micros now = 2; now < 100'000; ++now) {
        const auto conversation = static_cast<std::uint64_t>(now);
        ASSERT_TRUE(book.use({now, conversation}, 1, now));
        ASSERT_LE(book.size(), kMost);
        if (now % 100 != 0 || book.use(other, static_cast<std::uint32_t>(now), now)) continue;
        ++refused;
        other = {now, conversation + 1'000'000};
        ASSERT_TRUE(book.use(other, 1, now)) << "with the nonce that it was given then";
    }
    EXPECT_LE(refused, 100) << "once for each time that the book was filled";
}

}  // namespace
}  // namespace storm::net

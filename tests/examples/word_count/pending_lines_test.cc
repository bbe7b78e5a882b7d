// Ids are acked and failed in orders of every kind; the oldest one must never pass a line that is
// not acked.
#include "examples/word_count/pending_lines.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace word_count {
namespace {

TEST(PendingLines, OldestIsTheFirstThatIsNotAcked) {
    PendingLines pending;
    const auto a = pending.add({.offset = 0});
    const auto b = pending.add({.offset = 10});
    const auto c = pending.add({.offset = 20});

    pending.acked(b);
    EXPECT_EQ(pending.oldest(), a);
    pending.acked(a);
    EXPECT_EQ(pending.oldest(), c);
    EXPECT_EQ(pending.line(c).offset, 20u);
    pending.acked(c);
    EXPECT_TRUE(pending.empty());
}

TEST(PendingLines, FailedLineIsStillPending) {
    PendingLines pending;
    const auto a = pending.add({.offset = 5, .length = 3});
    pending.failed(a);

    ASSERT_EQ(pending.first_failed(), a);
    EXPECT_EQ(pending.line(a).offset, 5u);
    pending.emitted_again();

    EXPECT_EQ(pending.first_failed(), std::nullopt);
    EXPECT_EQ(pending.oldest(), a);
    pending.acked(a);
    EXPECT_TRUE(pending.empty());
}

TEST(PendingLines, LineCanFailAgainAndAgain) {
    PendingLines pending;
    const auto a = pending.add({});
    for (int i = 0; i < 3; ++i) {
        pending.failed(a);
        ASSERT_EQ(pending.first_failed(), a);
        pending.emitted_again();
    }
    EXPECT_FALSE(pending.empty());
}

TEST(PendingLines, WindowGrowsAndKeepsItsLines) {
    constexpr std::uint64_t kLines = 100'000;
    PendingLines pending;
    const auto first = pending.add({.offset = 0});
    for (std::uint64_t i = 1; i < kLines; ++i) pending.acked(pending.add({.offset = i}));

    EXPECT_EQ(pending.window(), kLines);
    EXPECT_EQ(pending.line(first + 99'000).offset, 99'000u);
    pending.acked(first);
    EXPECT_TRUE(pending.empty());
}

RC_GTEST_PROP(PendingLines, OldestIsThatOfAnOrderedSet, (const std::vector<std::uint8_t>& steps)) {
    PendingLines pending;
    std::set<PendingLines::Id> model;
    for (const std::uint8_t step : steps) {
        if (step % 2 == 0 || model.empty()) {
            model.insert(pending.add({}));
        } else {
            const auto one = std::next(model.begin(), step % static_cast<int>(model.size()));
            pending.acked(*one);
            model.erase(one);
        }
        RC_ASSERT(pending.empty() == model.empty());
        RC_ASSERT(pending.oldest() == (model.empty() ? pending.next() : *model.begin()));
    }
}

TEST(KeptText, IsThereUntilItsLineIsReleased) {
    KeptText kept;
    std::vector<const char*> texts;
    for (PendingLines::Id id = 0; id < 1000; ++id) {
        texts.push_back(kept.keep(id, std::string(1000, static_cast<char>('a' + id % 26))));
    }
    ASSERT_GT(kept.blocks(), 2u);

    kept.release(500);

    for (PendingLines::Id id = 500; id < 1000; ++id) {
        EXPECT_EQ(std::string(texts[id], 1000),
                  std::string(1000, static_cast<char>('a' + id % 26)));
    }
}

TEST(KeptText, OfFewLinesTakesOneBlock) {
    KeptText kept;
    for (PendingLines::Id id = 0; id < 100'000; ++id) {
        kept.keep(id, "one line that is acked before the next one comes");
        kept.release(id + 1);
    }
    EXPECT_EQ(kept.blocks(), 1u);
}

TEST(KeptText, MayBeEmptyOrLargerThanABlock) {
    KeptText kept;
    EXPECT_NE(kept.keep(0, ""), nullptr);
    const std::string large(1 << 20, 'x');
    EXPECT_EQ(std::string(kept.keep(1, large), large.size()), large);
}

}  // namespace
}  // namespace word_count

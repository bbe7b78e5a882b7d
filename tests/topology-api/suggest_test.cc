// A suggestion must help: it is there for what people mistype, and absent for what is merely alike.
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <storm/detail/suggest.h>

namespace storm::detail {
namespace {

TEST(Suggest, TypingErrorsAreOneEditEach) {
    EXPECT_EQ(edit_distance("word", "wrod"), 1u);
    EXPECT_EQ(edit_distance("word", "words"), 1u);
    EXPECT_EQ(edit_distance("word", "wor"), 1u);
    EXPECT_EQ(edit_distance("word", "ward"), 1u);
    EXPECT_EQ(edit_distance("word", "WORD"), 0u);
    EXPECT_EQ(edit_distance("", "word"), 4u);
}

RC_GTEST_PROP(Suggest, DistanceIsTheSameBothWaysAndAtMostTheLongerText,
              (const std::string& a, const std::string& b)) {
    RC_ASSERT(edit_distance(a, b) == edit_distance(b, a));
    RC_ASSERT(edit_distance(a, b) <= std::max(a.size(), b.size()));
    RC_ASSERT(edit_distance(a, a) == 0u);
}

TEST(Suggest, ClosestIsTheOneWithTheFewestEdits) {
    EXPECT_EQ(closest("splat", {"splitter", "split", "count"}), "split");
    EXPECT_EQ(closest("split", {"count", "splitter"}), "splitter");
    EXPECT_EQ(closest("Count", {"count", "counts"}), "count");
}

TEST(Suggest, NothingIsSuggestedThatIsNotClose) {
    EXPECT_EQ(closest("lines", {"words", "count"}), "");
    EXPECT_EQ(closest("a", {"b"}), "");
    EXPECT_EQ(closest("", {"b"}), "");
    EXPECT_EQ(did_you_mean("lines", {"words"}), "");
    EXPECT_EQ(did_you_mean("wrods", {"words"}), "did you mean \"words\"?");
}

TEST(Suggest, LongListsAreCutShort) {
    EXPECT_EQ(list_of({}), "nothing");
    EXPECT_EQ(list_of({"a", "b"}), "\"a\", \"b\"");
    EXPECT_TRUE(list_of(std::vector<std::string_view>(20, "x")).ends_with("\"x\" and 8 more"));
}

}  // namespace
}  // namespace storm::detail

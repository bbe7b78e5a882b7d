// A loss is reported with its number, its component and a hint. Method: golden texts.
#include "cluster/losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace storm::cluster {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Losses, AreToldInWords) {
    const auto texts =
        loss_texts("lines", {.dropped = 1, .inputs = 2, .emits = 1, .unreplayed = 10});

    ASSERT_THAT(texts, SizeIs(4));
    EXPECT_EQ(texts[0].what, "10 tuples of \"lines\" failed and were not emitted again");
    EXPECT_EQ(texts[1].what, "\"lines\" failed 2 untracked tuples, which nobody emits again");
    EXPECT_EQ(texts[2].what, "1 call of \"lines\" threw, and what was to be done is missing");
    EXPECT_EQ(
        texts[3].what,
        "1 untracked tuple of \"lines\" was dropped: there was no room for more, or a worker was "
        "lost");
}

TEST(Losses, OfNothingAreNoText) {
    EXPECT_FALSE(Losses().any());
    EXPECT_THAT(loss_texts("lines", {}), IsEmpty());
}

}  // namespace
}  // namespace storm::cluster

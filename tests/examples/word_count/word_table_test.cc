// Small tables; the order of the result is the contract.
#include "examples/word_count/word_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace word_count {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

WordTable table_of(std::initializer_list<WordCount> counts) {
    WordTable table;
    for (const WordCount& each : counts) table.add(each.word, each.count);
    return table;
}

TEST(WordTable, CountsAddUp) {
    WordTable table;
    table.add("a");
    table.add("b");
    table.add("a", 5);

    EXPECT_EQ(table.size(), 2u);
    EXPECT_THAT(table.top(9), ElementsAre(WordCount{"a", 6}, WordCount{"b", 1}));
}

TEST(WordTable, TopIsByCountThenByWord) {
    const WordTable table = table_of({{"d", 1}, {"b", 2}, {"c", 2}, {"a", 1}, {"e", 9}});

    EXPECT_THAT(table.top(4), ElementsAre(WordCount{"e", 9}, WordCount{"b", 2}, WordCount{"c", 2},
                                          WordCount{"a", 1}));
}

TEST(WordTable, TopOfNothingIsNothing) {
    EXPECT_THAT(WordTable().top(3), IsEmpty());
    EXPECT_THAT(table_of({{"a", 1}}).top(0), IsEmpty());
}

}  // namespace
}  // namespace word_count

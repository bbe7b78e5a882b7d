// Words are compared with those of the plainest possible splitter, over bytes of every value.
#include "examples/word_count/words.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace word_count {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    std::string room;
    for_each_word(text, room, [&](std::string_view word) { words.emplace_back(word); });
    return words;
}

bool is_ascii_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

std::vector<std::string> plainly_split(const std::string& text) {
    std::vector<std::string> words(1);
    for (const char byte : text) {
        if (is_ascii_letter(byte)) {
            words.back() += static_cast<char>(byte | 0x20);
        } else if (!words.back().empty()) {
            words.emplace_back();
        }
    }
    if (words.back().empty()) words.pop_back();
    return words;
}

TEST(Words, AreRunsOfLettersInLowerCase) {
    EXPECT_THAT(words_of("And GOD said, Let there be light: 1st"),
                ElementsAre("and", "god", "said", "let", "there", "be", "light", "st"));
}

TEST(Words, EndAtTheEndOfTheText) {
    EXPECT_THAT(words_of("a"), ElementsAre("a"));
    EXPECT_THAT(words_of(" a b"), ElementsAre("a", "b"));
}

TEST(Words, OfATextWithoutLettersAreNone) {
    EXPECT_THAT(words_of(""), IsEmpty());
    EXPECT_THAT(words_of(" \t12 -- \xc3\xa4"), IsEmpty());
}

TEST(Words, LettersBeyondAsciiStandBetweenWords) {
    EXPECT_THAT(words_of("M\xc3\xa4rz"), ElementsAre("m", "rz"));
}

TEST(Words, EveryByteIsALetterOrNot) {
    for (int byte = 0; byte < 256; ++byte) {
        EXPECT_EQ(is_letter(static_cast<char>(byte)), is_ascii_letter(static_cast<char>(byte)))
            << byte;
    }
}

RC_GTEST_PROP(Words, AreThoseOfThePlainSplitter, ()) {
    const auto text = *rc::gen::container<std::string>(
        rc::gen::oneOf(rc::gen::arbitrary<char>(), rc::gen::element('a', 'Z', ' ', 'q')));
    RC_ASSERT(words_of(text) == plainly_split(text));
}

}  // namespace
}  // namespace word_count

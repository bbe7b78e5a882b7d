// The cutter gets the same text in readings of every size; what it makes of it must not depend on
// them. The limits are tiny here, so that long lines and long words are short.
#include "examples/word_count/line_cutter.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "examples/word_count/words.h"

namespace word_count {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr LineCutter::Limits kNoLimits{.piece_bytes_max = 1 << 16, .word_bytes_max = 1 << 17};

struct Cut {
    std::vector<std::string> texts;
    std::vector<std::uint64_t> offsets;
    std::uint64_t words_cut = 0;
};

Cut cut(std::string_view text, LineCutter::Limits limits, std::size_t reading = 1 << 20,
        std::uint64_t offset = 0) {
    LineCutter cutter(limits);
    cutter.start(offset);
    Cut result;
    const auto take_all = [&] {
        while (const auto piece = cutter.next()) {
            result.texts.emplace_back(piece->text);
            result.offsets.push_back(piece->offset);
        }
    };
    while (!text.empty()) {
        const std::span<char> room = cutter.room();
        const std::size_t bytes = std::min({room.size(), text.size(), reading});
        std::copy_n(text.begin(), bytes, room.begin());
        text.remove_prefix(bytes);
        cutter.filled(bytes);
        take_all();
    }
    cutter.end();
    take_all();
    result.words_cut = cutter.words_cut();
    return result;
}

std::vector<std::string> words_of(const std::vector<std::string>& texts) {
    std::vector<std::string> words;
    std::string room;
    for (const std::string& text : texts) {
        for_each_word(text, room, [&](std::string_view word) { words.emplace_back(word); });
    }
    return words;
}

TEST(LineCutter, LinesComeWithoutTheirNewlines) {
    EXPECT_THAT(cut("one\ntwo\n\nfour\n", kNoLimits).texts, ElementsAre("one", "two", "", "four"));
}

TEST(LineCutter, LastLineNeedsNoNewline) {
    EXPECT_THAT(cut("one\ntwo", kNoLimits).texts, ElementsAre("one", "two"));
}

TEST(LineCutter, NothingIsNoLine) {
    EXPECT_THAT(cut("", kNoLimits).texts, IsEmpty());
}

TEST(LineCutter, OffsetsAreThoseOfTheFirstBytes) {
    EXPECT_THAT(cut("one\ntwo\n\nfour", kNoLimits, 1, 100).offsets,
                ElementsAre(100, 104, 108, 109));
}

TEST(LineCutter, UnfinishedLineWaitsForItsEnd) {
    LineCutter cutter(kNoLimits);
    cutter.start(0);
    cutter.room()[0] = 'a';
    cutter.filled(1);

    EXPECT_FALSE(cutter.next());

    cutter.room()[0] = '\n';
    cutter.filled(1);
    EXPECT_EQ(cutter.next()->text, "a");
}

TEST(LineCutter, StartForgetsWhatWasUnfinished) {
    LineCutter cutter(kNoLimits);
    cutter.start(0);
    cutter.room()[0] = 'a';
    cutter.filled(1);
    cutter.start(7);
    cutter.end();

    EXPECT_FALSE(cutter.next());
    EXPECT_EQ(cutter.offset(), 7u);
}

TEST(LineCutter, LongLineIsCutBetweenWords) {
    const Cut result = cut("one two three\n", {.piece_bytes_max = 6, .word_bytes_max = 12});

    EXPECT_THAT(result.texts, ElementsAre("one ", "two ", "three"));
    EXPECT_THAT(result.offsets, ElementsAre(0, 4, 8));
}

TEST(LineCutter, WordThatIsLongerThanAPieceStaysWhole) {
    const Cut result = cut("a abcdefghij b\n", {.piece_bytes_max = 6, .word_bytes_max = 12});

    EXPECT_THAT(result.texts, ElementsAre("a ", "abcdefghij", " b"));
    EXPECT_EQ(result.words_cut, 0u);
}

TEST(LineCutter, OnlyAWordOverItsLimitIsCut) {
    const Cut result = cut("abcdefghijklmno\nb\n", {.piece_bytes_max = 6, .word_bytes_max = 12});

    EXPECT_THAT(result.texts, ElementsAre("abcdefghijkl", "mno", "b"));
    EXPECT_EQ(result.words_cut, 1u);
}

TEST(LineCutter, TextThatIsOneLongWordWithoutNewlineComesToItsEnd) {
    EXPECT_THAT(cut("abcdefgh", {.piece_bytes_max = 6, .word_bytes_max = 12}, 1).texts,
                ElementsAre("abcdefgh"));
}

RC_GTEST_PROP(LineCutter, PiecesHaveTheWordsOfTheText, ()) {
    const auto text = *rc::gen::container<std::string>(
        rc::gen::weightedElement<char>({{6, 'a'}, {6, 'B'}, {3, ' '}, {1, '\n'}, {1, '7'}}));
    const auto reading = *rc::gen::inRange<std::size_t>(1, 9);
    const auto piece = *rc::gen::inRange<std::size_t>(1, 9);

    const Cut result = cut(text, {.piece_bytes_max = piece, .word_bytes_max = 1 << 16}, reading);

    RC_ASSERT(words_of(result.texts) == words_of({text}));
    for (std::size_t i = 0; i < result.texts.size(); ++i) {
        RC_ASSERT(text.substr(result.offsets[i], result.texts[i].size()) == result.texts[i]);
    }
}

RC_GTEST_PROP(LineCutter, LinesDoNotDependOnTheReadings, ()) {
    const auto text = *rc::gen::container<std::string>(rc::gen::element('a', ' ', '\n'));
    const auto reading = *rc::gen::inRange<std::size_t>(1, 9);

    RC_ASSERT(cut(text, kNoLimits, reading).texts == cut(text, kNoLimits).texts);
}

TEST(LineCutter, LineFarOverItsBufferComesWhole) {
    constexpr LineCutter::Limits kSmall{.piece_bytes_max = 1000, .word_bytes_max = 1 << 20};
    const std::string word(700'000, 'x');

    EXPECT_THAT(cut("a " + word + "\nb\n", kSmall, 4096).texts, ElementsAre("a ", word, "b"));
}

}  // namespace
}  // namespace word_count

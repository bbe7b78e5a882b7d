// Word count as one would write it without Storm: a loop in one thread, with the same words and the
// same table (a std::unordered_map<std::string, …>) as the bolts have.
//
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/macro/meter.h"
#include "bench/macro/text.h"
#include "examples/word_count/word_table.h"
#include "examples/word_count/words.h"

namespace storm::bench {

class WordLoop {
public:
    explicit WordLoop(const Text& text) : text_(text) {}

    struct Slice {
        double seconds = 0;
        std::uint64_t words = 0;
    };
    /// Goes on where the slice before ended.
    Slice run(double seconds) {
        constexpr int kLinesPerClock = 512;
        const Nanos start = now();
        const Nanos end = start + static_cast<Nanos>(seconds * 1e9);
        Nanos time = start;
        Slice slice;
        for (; time < end; time = now()) {
            for (int i = 0; i < kLinesPerClock; ++i) slice.words += count_line();
        }
        slice.seconds = static_cast<double>(time - start) / 1e9;
        return slice;
    }

private:
    std::uint64_t count_line() {
        std::uint64_t words = 0;
        word_count::for_each_word(text_.line(next_), room_, [&](std::string_view word) {
            counts_.add(word);
            ++words;
        });
        if (++next_ == text_.lines()) next_ = 0;
        return words;
    }

    const Text& text_;
    std::size_t next_ = 0;
    std::string room_;
    word_count::WordTable counts_;
};

}  // namespace storm::bench

// How often each word came.
//
// Threads: one.
// Cost:    20-30 ns to add a word that is known and in the cache, without allocation; about 100
//          bytes of memory for each word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace word_count {

struct WordCount {
    std::string word;
    std::uint64_t count = 0;

    friend bool operator==(const WordCount&, const WordCount&) = default;
};

/// The order of the result: the most frequent word first, equally frequent ones by the alphabet.
inline bool comes_before(const WordCount& a, const WordCount& b) {
    return a.count != b.count ? a.count > b.count : a.word < b.word;
}

class WordTable {
    struct Hash {
        using is_transparent = void;
        // Not noexcept, on purpose: libstdc++ then keeps each word's hash beside it, and a look-up
        // compares hashes before words.
        std::size_t operator()(std::string_view word) const {
            return std::hash<std::string_view>{}(word);
        }
    };
    using Map = std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>>;

public:
    void add(std::string_view word, std::uint64_t count = 1) {
        const auto found = counts_.find(word);
        if (found != counts_.end()) {
            found->second += count;
        } else {
            counts_.emplace(word, count);
        }
    }

    std::size_t size() const { return counts_.size(); }
    /// The first `most` words of the result, in its order. Looks at every word.
    std::vector<WordCount> top(std::size_t most) const;

    Map::const_iterator begin() const { return counts_.begin(); }
    Map::const_iterator end() const { return counts_.end(); }

private:
    Map counts_;
};

}  // namespace word_count

#include "bench/macro/text.h"

#include <algorithm>
#include <fstream>
#include <unordered_set>

#include "base/random.h"

namespace storm::bench {
namespace {

constexpr std::uint64_t kSeed = 20110919;

/// Lengths of words as in prose: the more frequent, the shorter.
std::uint32_t length_of_rank(std::size_t rank, base::Random& random) {
    std::uint32_t shortest = 2;
    for (std::size_t bound = 10; rank >= bound && shortest < 6; bound *= 10) ++shortest;
    return shortest + static_cast<std::uint32_t>(random.below(shortest));
}

std::vector<std::string> make_words(std::size_t count, base::Random& random) {
    std::vector<std::string> words;
    std::unordered_set<std::string> taken;
    words.reserve(count);
    taken.reserve(count);
    while (words.size() < count) {
        std::string word(length_of_rank(words.size(), random), ' ');
        for (char& letter : word) letter = static_cast<char>('a' + random.below(26));
        if (taken.insert(word).second) words.push_back(std::move(word));
    }
    return words;
}

/// Draws i with a probability in proportion to 1 / (i + 1), in constant time. (A. Walker, "An
/// efficient method for generating discrete random variables with general distributions", 1977.)
class Zipf {
public:
    explicit Zipf(std::size_t count) : keep_(count), alias_(count) {
        std::vector<double> share(count);
        double sum = 0;
        for (std::size_t i = 0; i < count; ++i) sum += 1 / static_cast<double>(i + 1);
        std::vector<std::uint32_t> below, above;
        for (std::size_t i = 0; i < count; ++i) {
            share[i] = static_cast<double>(count) / static_cast<double>(i + 1) / sum;
            (share[i] < 1 ? below : above).push_back(static_cast<std::uint32_t>(i));
        }
        while (!below.empty() && !above.empty()) {
            const std::uint32_t poor = below.back();
            const std::uint32_t rich = above.back();
            below.pop_back();
            set(poor, share[poor], rich);
            share[rich] -= 1 - share[poor];
            if (share[rich] >= 1) continue;
            above.pop_back();
            below.push_back(rich);
        }
        for (const std::uint32_t left : below) set(left, 1, left);
        for (const std::uint32_t left : above) set(left, 1, left);
    }

    std::size_t draw(base::Random& random) const {
        const std::uint64_t bits = random.next();
        const auto column = static_cast<std::size_t>(((bits >> 32) * keep_.size()) >> 32);
        return static_cast<std::uint32_t>(bits) < keep_[column] ? column : alias_[column];
    }

private:
    void set(std::uint32_t column, double share, std::uint32_t alias) {
        keep_[column] = static_cast<std::uint32_t>(std::min(share * 0x1p32, 0x1p32 - 1));
        alias_[column] = alias;
    }

    std::vector<std::uint32_t> keep_;  // Probabilities times 2^32.
    std::vector<std::uint32_t> alias_;
};

}  // namespace

Text Text::zipf() {
    constexpr std::size_t kLines = 100'000;
    constexpr std::size_t kWords = 50'000;
    base::Random random(kSeed);
    const std::vector<std::string> words = make_words(kWords, random);
    const Zipf zipf(kWords);
    Text text;
    text.ends_.reserve(kLines);
    text.content_.reserve(std::size_t{7} << 20);
    for (std::size_t i = 0; i < kLines; ++i) {
        for (std::uint64_t left = 5 + random.below(11); left > 0; --left) {
            text.content_ += words[zipf.draw(random)];
            if (left > 1) text.content_ += ' ';
        }
        text.end_line();
    }
    return text;
}

Text Text::small() {
    constexpr std::size_t kLines = 14'049;
    constexpr std::size_t kWordsInLine = 7;
    constexpr std::uint32_t kWords = 1'000;
    base::Random random(kSeed);
    const std::vector<std::string> words = make_words(kWords, random);
    Text text;
    text.ends_.reserve(kLines);
    for (std::size_t i = 0; i < kLines; ++i) {
        for (std::size_t left = kWordsInLine; left > 0; --left) {
            text.content_ += words[random.below(kWords)];
            if (left > 1) text.content_ += ' ';
        }
        text.end_line();
    }
    return text;
}

base::Result<Text> Text::from_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return base::Error{"cannot read text \"" + path + "\": no such file"};
    Text text;
    for (std::string line; std::getline(file, line);) {
        text.content_ += line;
        text.end_line();
    }
    if (file.bad()) return base::Error{"cannot read text \"" + path + "\": input error"};
    if (text.lines() == 0) return base::Error{"text \"" + path + "\" has no lines"};
    return text;
}

base::Result<Text> Text::named(const std::string& name) {
    if (name == "zipf") return zipf();
    if (name == "small") return small();
    return from_file(name);
}

}  // namespace storm::bench

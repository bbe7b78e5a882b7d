// The lines that word-count counts: generated, always the same, or read from a file.
//
// Threads: immutable once made; read by all spouts.
// Cost:    about 30 ms to generate the larger one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace storm::bench {

class Text {
public:
    /// 100,000 lines of 5 to 15 words; 50,000 words, whose frequencies follow Zipf's law with s
    /// = 1.
    static Text zipf();
    /// 14,049 lines of 7 words; 1,000 words, all as frequent.
    static Text small();
    static base::Result<Text> from_file(const std::string& path);

    /// "zipf", "small" or the path of a file.
    static base::Result<Text> named(const std::string& name);

    std::size_t lines() const { return ends_.size(); }
    std::string_view line(std::size_t i) const {
        const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
        return {content_.data() + begin, ends_[i] - begin};
    }

private:
    void end_line() { ends_.push_back(content_.size()); }

    std::string content_;  // Lines, one right after the other.
    std::vector<std::size_t> ends_;
};

}  // namespace storm::bench

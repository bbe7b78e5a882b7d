// Cuts the bytes that are read into lines, without copying them.
//
//     bytes read   |......taken......|..line..\n..line..\n..unfinished..|.....room.....|
//                                    begin     ^ scanned                end
//
// A line over `piece_bytes_max` comes in several pieces. They are cut where no word is, so that the
// words of the pieces are the words of the line. Only a word over `word_bytes_max` is cut itself.
//
// Order:   read into room(), then filled(), then next() until it has nothing; end() after the last
//          byte. What next() returned is valid until room() or start() is called.
// Threads: one.
// Cost:    one memchr() over the bytes. No allocation, once the longest word has been seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace word_count {

/// A line without its newline, or a part of a long one.
struct Piece {
    std::string_view text;
    std::uint64_t offset;  ///< Offset of its first byte in the text that start() began.
};

class LineCutter {
public:
    struct Limits {
        std::size_t piece_bytes_max;
        std::size_t word_bytes_max;  ///< At least piece_bytes_max.
    };
    explicit LineCutter(Limits limits);

    /// The following bytes belong to another text; the first one has this offset in it.
    void start(std::uint64_t offset);
    /// Where to read to; never empty.
    std::span<char> room();
    void filled(std::size_t bytes);
    /// The text ends here, be there a newline or not.
    void end() { ended_ = true; }

    /// Nothing: more bytes are needed or, after end(), there are no more lines.
    std::optional<Piece> next();
    /// Offset of the first byte that next() has not returned.
    std::uint64_t offset() const { return offset_; }
    /// How many words were over word_bytes_max so far.
    std::uint64_t words_cut() const { return words_cut_; }

private:
    Piece take(std::size_t length, std::size_t newline);
    std::size_t cut_at(std::size_t length, bool line_is_whole);

    const Limits limits_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;     // The first byte that next() has not returned.
    std::size_t scanned_ = 0;   // No newline from begin_ up to here.
    std::size_t end_ = 0;       // End of the bytes read.
    std::uint64_t offset_ = 0;  // Offset of begin_.
    std::uint64_t words_cut_ = 0;
    bool ended_ = false;
};

}  // namespace word_count

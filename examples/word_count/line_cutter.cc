#include "line_cutter.h"

#include <algorithm>
#include <cstring>

#include "words.h"

namespace word_count {
namespace {

constexpr std::size_t kReadBytesMin = 128 << 10;  // Less room than this is not worth a read().

bool splits_word(const char* text, std::size_t at) {
    return is_letter(text[at - 1]) && is_letter(text[at]);
}

}  // namespace

LineCutter::LineCutter(Limits limits) : limits_(limits), buffer_(2 * limits.piece_bytes_max) {}

void LineCutter::start(std::uint64_t offset) {
    begin_ = scanned_ = end_ = 0;
    offset_ = offset;
    ended_ = false;
}

std::span<char> LineCutter::room() {
    if (begin_ == end_ || buffer_.size() - end_ < kReadBytesMin) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        scanned_ -= begin_;
        end_ -= begin_;
        begin_ = 0;
    }
    if (buffer_.size() - end_ < kReadBytesMin) {  // One piece fills it: a very long word.
        buffer_.resize(2 * buffer_.size() + kReadBytesMin);
    }
    return std::span(buffer_).subspan(end_);
}

void LineCutter::filled(std::size_t bytes) {
    end_ += bytes;
}

std::optional<Piece> LineCutter::next() {
    const char* const text = buffer_.data();
    const void* const newline = std::memchr(text + scanned_, '\n', end_ - scanned_);
    scanned_ = newline == nullptr
                   ? end_
                   : static_cast<std::size_t>(static_cast<const char*>(newline) - text);
    const std::size_t length = scanned_ - begin_;

    if (length > limits_.piece_bytes_max) {
        const std::size_t cut = cut_at(length, newline != nullptr || ended_);
        if (cut == 0) return std::nullopt;
        if (cut < length) return take(cut, 0);
    }
    if (newline != nullptr) return take(length, 1);
    if (ended_ && length > 0) return take(length, 0);
    return std::nullopt;
}

Piece LineCutter::take(std::size_t length, std::size_t newline) {
    const Piece piece{{buffer_.data() + begin_, length}, offset_};
    begin_ += length + newline;
    offset_ += length + newline;
    scanned_ = std::max(scanned_, begin_);
    return piece;
}

/// How much of a line that is over piece_bytes_max to take; 0: its first word has not been read to
/// its end.
std::size_t LineCutter::cut_at(std::size_t length, bool line_is_whole) {
    const char* const text = buffer_.data() + begin_;
    for (std::size_t at = limits_.piece_bytes_max; at > 0; --at) {
        if (!splits_word(text, at)) return at;
    }
    const std::size_t most = std::min(length, limits_.word_bytes_max);
    for (std::size_t at = limits_.piece_bytes_max + 1; at < most; ++at) {
        if (!splits_word(text, at)) return at;
    }
    if (length > most) {
        ++words_cut_;
        return most;
    }
    return line_is_whole ? length : 0;
}

}  // namespace word_count

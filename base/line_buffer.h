// A line of text for code that may not allocate. It is written with one call.
//
// Threads: one; safe in a signal handler.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <unistd.h>

namespace storm::base {

class LineBuffer {
public:
    /// Text that does not fit is left out.
    LineBuffer& operator<<(std::string_view text) {
        const std::size_t room = bytes_.size() - 1 - used_;  // One byte is kept for the line feed.
        const std::size_t count = text.size() < room ? text.size() : room;
        std::memcpy(bytes_.data() + used_, text.data(), count);
        used_ += count;
        return *this;
    }
    LineBuffer& number(std::uint64_t value, unsigned base = 10) {
        std::array<char, 20> digits{};
        std::size_t at = digits.size();
        do {
            digits[--at] = "0123456789abcdef"[value % base];
            value /= base;
        } while (value != 0);
        return *this << std::string_view(digits.data() + at, digits.size() - at);
    }
    LineBuffer& hex(std::uint64_t value) { return (*this << "0x").number(value, 16); }
    std::string_view text() const { return {bytes_.data(), used_}; }
    /// Adds a line feed, writes the line, and clears it.
    void write_to(int descriptor) {
        bytes_[used_++] = '\n';
        static_cast<void>(!::write(descriptor, bytes_.data(), used_));
        used_ = 0;
    }

private:
    std::array<char, 512> bytes_{};
    std::size_t used_ = 0;
};

}  // namespace storm::base

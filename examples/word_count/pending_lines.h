// The lines that were emitted and are not acked yet, in the order in which they were read. The
// oldest of them says how far the input is done.
//
//     ids       oldest_                                        next_
//                 |  pending | acked | failed | acked | pending |
//
// A line's text is not kept where it can be read again. Where it cannot, as from a pipe, `KeptText`
// holds it.
//
// Order:   add() gives an id, which ends with acked(). In between the line may fail and be emitted
//          again, any number of times.
// Threads: one.
// Cost:    a few ns and 32 bytes a line. No allocation, once the window has reached its size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace word_count {

/// Where a line stands.
struct LineAt {
    std::uint64_t offset = 0;  ///< Offset of its first byte.
    std::uint32_t unit = 0;    ///< File and pass; see Input.
    std::uint32_t length = 0;
    const char* kept = nullptr;  ///< Its text, if it cannot be read again.
};

class PendingLines {
public:
    using Id = std::uint64_t;

    PendingLines();

    Id add(const LineAt& line);
    /// The id that add() will return.
    Id next() const { return next_; }
    void acked(Id id);
    void failed(Id id) { failed_.push_back(id); }
    /// The line that failed first and has not been emitted again yet.
    std::optional<Id> first_failed() const;
    /// The failed line has been emitted again. REQUIRES: there is one.
    void emitted_again() { failed_.pop_front(); }

    /// REQUIRES: not acked.
    const LineAt& line(Id id) const { return entries_[id & mask_].line; }
    /// The first one that is not acked, or the one that add() will give next.
    Id oldest() const { return oldest_; }
    bool empty() const { return oldest_ == next_; }
    /// From the oldest on, acked ones among them: what the memory is for.
    std::size_t window() const { return static_cast<std::size_t>(next_ - oldest_); }

private:
    struct Entry {
        LineAt line;
        bool acked = false;
    };

    void grow();

    std::vector<Entry> entries_;  // A ring: id & mask_.
    Id mask_;
    Id oldest_ = 0;
    Id next_ = 0;
    std::deque<Id> failed_;
};

/// The texts of lines that cannot be read again, in blocks that are freed as their lines are acked.
class KeptText {
public:
    /// A copy of `text`. It stays valid until release() is called with a greater id. REQUIRES: ids
    /// only grow.
    const char* keep(PendingLines::Id id, std::string_view text);
    /// All lines with lower ids are acked.
    void release(PendingLines::Id oldest);

    std::size_t blocks() const { return blocks_.size(); }

private:
    struct Block {
        std::unique_ptr<char[]> bytes;
        std::size_t size = 0;
        std::size_t used = 0;
        PendingLines::Id last = 0;  // The last line in it.
    };

    std::deque<Block> blocks_;
};

}  // namespace word_count

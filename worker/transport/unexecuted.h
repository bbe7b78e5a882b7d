// The untracked rows of one channel to another worker that its credit does not yet show to be
// executed: if the worker is lost now, so may these be.
//
// Rows are remembered in marks of a few KiB, each whole until all of it is executed; and a peer
// that is busy announces a quarter of a window at a time. So the number errs upwards.
//
// Order:   shipped() with ascending `end`; count() and then clear() when a life of the peer ends.
// Threads: those of the owner.
#pragma once

#include <cstdint>
#include <deque>

namespace storm::worker {

class Unexecuted {
public:
    /// `rows` untracked rows are among the bytes from `begin` to `end` of the channel.
    void shipped(std::uint64_t begin, std::uint64_t end, std::uint64_t rows) {
        if (rows == 0) return;
        if (!marks_.empty() && end - marks_.back().begin <= kMarkBytes) {
            marks_.back().end = end;
            marks_.back().rows += rows;
        } else {
            marks_.push_back({begin, end, rows});
        }
        rows_ += rows;
    }
    /// The peer has executed everything up to byte `end`.
    void executed(std::uint64_t end) {
        for (; !marks_.empty() && marks_.front().end <= end; marks_.pop_front())
            rows_ -= marks_.front().rows;
    }
    std::uint64_t count() const { return rows_; }
    void clear() {
        marks_.clear();
        rows_ = 0;
    }

private:
    static constexpr std::uint64_t kMarkBytes = 4 * 1024;
    struct Mark {
        std::uint64_t begin;
        std::uint64_t end;
        std::uint64_t rows;
    };

    std::deque<Mark> marks_;
    std::uint64_t rows_ = 0;
};

}  // namespace storm::worker

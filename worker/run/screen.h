// Draws some lines at the bottom of a terminal, below the scrolling part.
//
// The terminal is told to scroll only the rows above them, so results and logs, from any writer,
// neither meet these lines nor need to know about them.
//
//     ┌ row 1 ──────────────┐
//     │ results, logs       │ scrolls
//     │ word-count  12 s    │ ┐
//     │   lines  120,000/s  │ ┴ drawn here, once a second
//     └─────────────────────┘
//
// If the process crashes, a signal handler gives the rows back.
//
// Order:   one at a time. The destructor clears the lines.
// Threads: one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace storm::worker {

class Screen {
public:
    /// Whether stderr is a terminal that can do this.
    static bool usable();

    Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    ~Screen();

    /// The present width of a line.
    static std::size_t columns();
    /// Gives the rows back if there are any. May be called on any thread, or in a signal handler,
    /// at the end of the process.
    static void give_back();
    void draw(const std::vector<std::string>& lines);
    void clear();

private:
    void reserve(std::size_t lines, std::size_t rows);

    std::size_t lines_ = 0;  // Number of reserved lines; 0: none.
    std::size_t rows_ = 0;
};

}  // namespace storm::worker

// Some lines at the bottom of a terminal, below what scrolls.
//
// The terminal is told to scroll only the rows above them, so that results and logs, whoever writes
// them, neither meet these lines nor have to know of them.
//
//     ┌ row 1 ──────────────┐
//     │ results, logs       │ scrolls
//     │ word-count  12 s    │ ┐
//     │   lines  120,000/s  │ ┴ drawn here, once a second
//     └─────────────────────┘
//
// Should the process crash, a signal handler gives the rows back.
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

    /// How long a line may be, now.
    static std::size_t columns();
    /// Gives the rows back if there is one. Any thread or signal handler, at the end of the
    /// process.
    static void give_back();
    void draw(const std::vector<std::string>& lines);
    void clear();

private:
    void reserve(std::size_t lines, std::size_t rows);

    std::size_t lines_ = 0;  // Reserved; 0: none.
    std::size_t rows_ = 0;
};

}  // namespace storm::worker

// Where the lines come from: files, a stream such as standard input, or a file that grows.
//
// An input is a sequence of units, numbered from 0: one pass over one file, or what is read between
// two rotations of a log. A line never reaches from one unit into the next.
//
//     read()   kBytes… kUnitEnds  kBytes… kLater kBytes… kUnitEnds  kEnds kEnds …
//              '---- unit 0 ----' '-------- unit 1 ------------'
//
// Errors:  FileError, which says which file and what happened. The same call may be tried again.
// Threads: one.
// Cost:    one or two system calls for each read(); the larger its room, the fewer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pending_lines.h"

namespace word_count {

/// How far an input is done, in words that outlive the program.
struct Place {
    std::uint64_t pass = 0;
    std::string file;
    std::uint64_t offset = 0;

    friend bool operator==(const Place&, const Place&) = default;
};

class Input {
public:
    enum class Kind : std::uint8_t {
        kBytes,
        kLater,     ///< Nothing now; wait() and ask again.
        kUnitEnds,  ///< The bytes read so far are complete; the next ones belong to the next unit.
        kEnds
    };
    struct Read {
        Kind kind = Kind::kLater;
        std::size_t bytes = 0;
    };

    virtual ~Input() = default;

    virtual Read read(std::span<char> room) = 0;
    /// Returns when read() may have more, and no later than after `longest`.
    virtual void wait(std::chrono::milliseconds longest) = 0;
    /// Where reading starts, in unit 0 or, after resume(), in another.
    virtual std::uint32_t unit() const = 0;

    /// Whether read_again() works for every line, until it is acked.
    virtual bool rereadable() const { return false; }
    virtual void read_again(const LineAt& line, std::string& text);

    virtual Place place(std::uint32_t unit, std::uint64_t offset) const;
    /// Starts at `place`, which an earlier run had reached. Returns the offset in unit() to start
    /// from; that is 0, with `warning` set, where the place is gone.
    struct Resumed {
        std::uint64_t offset = 0;
        std::string warning;
    };
    virtual Resumed resume(const Place& place);

    /// The text being read, and how much of it is done: "book.txt, 45 %".
    virtual std::string status() const = 0;
};

/// Opens `path`: a file, a directory (its regular files in the order of their names), anything that
/// can be read to its end, such as a pipe, or "-", standard input. Throws std::runtime_error when
/// that cannot be read, or not in this way.
struct InputOptions {
    std::string path;
    std::uint64_t repeat = 1;
    bool follow = false;
    bool resumable = false;  ///< place() and resume() will be needed.
};
std::unique_ptr<Input> open_input(const InputOptions& options);

}  // namespace word_count

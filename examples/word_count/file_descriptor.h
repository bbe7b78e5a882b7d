// An open file: its number and the calls that this program makes on it.
//
// Errors:  FileError, `cannot read "book.txt": Input/output error`.
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <sys/stat.h>

namespace word_count {

/// A file that cannot be read or written now, for a reason outside of this program.
struct FileError : std::runtime_error {
    explicit FileError(const std::string& message, int error_number = 0)
        : std::runtime_error(message), error(error_number) {}

    int error;  ///< As errno; 0: another reason.
};
/// `cannot <what> "<path>": <the meaning of error>`
FileError file_error(std::string_view what, std::string_view path, int error);

class FileDescriptor {
public:
    FileDescriptor() = default;  ///< Not open.
    FileDescriptor(const std::string& path, int flags, mode_t mode = 0);
    FileDescriptor(FileDescriptor&& other) noexcept
        : number_(std::exchange(other.number_, -1)),
          standard_(other.standard_),
          path_(std::move(other.path_)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept;
    ~FileDescriptor() { close(); }

    /// Standard input or output: is not closed.
    static FileDescriptor standard(int number, std::string name);

    bool is_open() const { return number_ >= 0; }
    int number() const { return number_; }
    const std::string& path() const { return path_; }

    /// How many bytes were read; 0 at the end.
    std::size_t read(std::span<char> room);
    std::size_t read_at(std::uint64_t offset, std::span<char> room);
    void write_all(std::string_view bytes);
    void sync();
    struct stat status() const;
    void close();

private:
    int number_ = -1;
    bool standard_ = false;
    std::string path_;
};

}  // namespace word_count

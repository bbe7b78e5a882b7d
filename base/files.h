// Small files and directories that are either whole or absent.
//
// Threads: any. Calls block for as long as the disk takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

#include "base/result.h"

namespace storm::base {

/// An open descriptor, closed by the destructor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { reset(); }

    int get() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1);

private:
    int fd_ = -1;
};

/// `what: no such file or directory`: the text is that of the current errno.
Error system_error(const std::string& what);

/// An error if the file has more than `bytes_max`.
Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max);
/// The same; nothing: there is no such file. An error never means that.
Result<std::optional<std::string>> read_small_file_if_any(const std::string& path,
                                                          std::size_t bytes_max);
/// Afterwards the file has either its old content or the new one, even if this process dies (a
/// temporary file, renamed) and, with kDurable, if the host does (fsync).
enum class Keep : std::uint8_t { kOverProcess, kDurable };
Result<Done> write_whole_file(const std::string& path, std::string_view bytes, mode_t mode,
                              Keep keep = Keep::kDurable);
/// The same, durably, but never over an existing file. False: there is one, and it stays.
Result<bool> write_new_file(const std::string& path, std::string_view bytes, mode_t mode);
/// Makes the last rename or link in this directory survive a crash of the host.
Result<Done> sync_directory(const std::string& path);
/// Makes missing parents too; new directories get `mode`.
Result<Done> make_directory(const std::string& path, mode_t mode);
/// Removes a directory with everything in it, without following links. It may be missing already.
Result<Done> remove_tree(const std::string& path);

/// Writes all of the bytes. After an error the file may have some of them.
Result<Done> write_all(int fd, std::string_view bytes);

}  // namespace storm::base

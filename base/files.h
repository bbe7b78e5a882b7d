// Small files and directories, which must be whole or not there.
//
// Threads: any. It blocks for as long as the disk takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

#include "base/result.h"

namespace storm::base {

/// An open descriptor, closed at the end.
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

/// `what: no such file or directory`, of errno as it is now.
Error system_error(const std::string& what);

/// At most `bytes_max`; more is an error.
Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max);
/// Either the old content or the new one is there, whatever happens to this process (temporary
/// file, rename), and with kDurable to the host (fsync).
enum class Keep : std::uint8_t { kOverProcess, kDurable };
Result<Done> write_whole_file(const std::string& path, std::string_view bytes, mode_t mode,
                              Keep keep = Keep::kDurable);
/// The same, durably, but never over another file. False: there is one, and it stays.
Result<bool> write_new_file(const std::string& path, std::string_view bytes, mode_t mode);
/// Of the directory itself: after a rename or link in it, for the host to keep it.
Result<Done> sync_directory(const std::string& path);
/// With its parents; those that are made get `mode`.
Result<Done> make_directory(const std::string& path, mode_t mode);
/// A directory that is on its own with all that is in it. Follows no link. Missing is fine.
Result<Done> remove_tree(const std::string& path);

/// All of them; an error after which the file may have some of it.
Result<Done> write_all(int fd, std::string_view bytes);

}  // namespace storm::base

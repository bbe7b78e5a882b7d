#include "file_descriptor.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace word_count {
namespace {

/// Calls again what a signal has interrupted.
template <typename Call>
auto uninterrupted(Call&& call) {
    auto result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
}

}  // namespace

FileError file_error(std::string_view what, std::string_view path, int error) {
    std::string message = "cannot ";
    message.append(what).append(" \"").append(path).append("\": ");
    return FileError(message + std::generic_category().message(error), error);
}

FileDescriptor::FileDescriptor(const std::string& path, int flags, mode_t mode)
    : number_(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); })),
      path_(path) {
    if (number_ < 0)
        throw file_error((flags & O_ACCMODE) == O_RDONLY ? "read" : "write", path, errno);
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
        close();
        number_ = std::exchange(other.number_, -1);
        standard_ = other.standard_;
        path_ = std::move(other.path_);
    }
    return *this;
}

FileDescriptor FileDescriptor::standard(int number, std::string name) {
    FileDescriptor descriptor;
    descriptor.number_ = number;
    descriptor.standard_ = true;
    descriptor.path_ = std::move(name);
    return descriptor;
}

std::size_t FileDescriptor::read(std::span<char> room) {
    const ssize_t bytes = uninterrupted([&] { return ::read(number_, room.data(), room.size()); });
    if (bytes < 0) throw file_error("read", path_, errno);
    return static_cast<std::size_t>(bytes);
}

std::size_t FileDescriptor::read_at(std::uint64_t offset, std::span<char> room) {
    const ssize_t bytes = uninterrupted(
        [&] { return ::pread(number_, room.data(), room.size(), static_cast<off_t>(offset)); });
    if (bytes < 0) throw file_error("read", path_, errno);
    return static_cast<std::size_t>(bytes);
}

void FileDescriptor::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written =
            uninterrupted([&] { return ::write(number_, bytes.data(), bytes.size()); });
        if (written < 0) throw file_error("write", path_, errno);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void FileDescriptor::sync() {
    if (::fsync(number_) != 0) throw file_error("write", path_, errno);
}

struct stat FileDescriptor::status() const {
    struct stat status {};
    if (::fstat(number_, &status) != 0) throw file_error("read", path_, errno);
    return status;
}

void FileDescriptor::close() {
    if (is_open() && !standard_) ::close(number_);
    number_ = -1;
}

}  // namespace word_count

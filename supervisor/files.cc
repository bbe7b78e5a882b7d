#include "supervisor/files.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace storm::supervisor {
namespace {

std::string lower_first(std::string text) {
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') {
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    }
    return text;
}

base::Result<base::Done> sync_directory_of(const std::string& path) {
    const std::string directory = std::filesystem::path(path).parent_path().string();
    const Descriptor opened(
        ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open() || ::fsync(opened.get()) != 0) {
        return system_error("cannot sync the directory of \"" + path + '"');
    }
    return base::Done{};
}

}  // namespace

void Descriptor::reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

base::Error system_error(const std::string& what) {
    return {what + ": " + lower_first(std::generic_category().message(errno))};
}

base::Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max) {
    const auto refuse = [&path] { return system_error("cannot read \"" + path + '"'); };
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.is_open()) return refuse();
    std::string bytes;
    std::array<char, 4096> piece{};
    while (bytes.size() <= bytes_max) {
        const ssize_t count = ::read(file.get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return refuse();
        if (count == 0) return bytes;
        bytes.append(piece.data(), static_cast<std::size_t>(count));
    }
    return base::Error{"cannot read \"" + path + "\": it has over " + std::to_string(bytes_max) +
                       " bytes"};
}

base::Result<base::Done> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("cannot write");
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return base::Done{};
}

base::Result<base::Done> write_whole_file(const std::string& path, std::string_view bytes,
                                          mode_t mode, Keep keep) {
    const std::string partial = path + ".partial";
    const auto refuse = [&] {
        base::Error error = system_error("cannot write \"" + path + '"');
        ::unlink(partial.c_str());
        return error;
    };
    ::unlink(partial.c_str());  // What a former process left behind.
    Descriptor file(
        ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file.is_open()) return refuse();
    if (!write_all(file.get(), bytes)) return refuse();
    if (keep == Keep::kDurable && ::fsync(file.get()) != 0) return refuse();
    if (::rename(partial.c_str(), path.c_str()) != 0) return refuse();
    if (keep != Keep::kDurable) return base::Done{};
    return sync_directory_of(path);
}

base::Result<base::Done> make_directory(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) == 0) return base::Done{};
    if (errno == ENOENT) {
        const std::string parent = std::filesystem::path(path).parent_path().string();
        if (!parent.empty() && parent != path) {
            const auto made = make_directory(parent, mode);
            if (!made) return made.error();
            if (::mkdir(path.c_str(), mode) == 0) return base::Done{};
        }
    }
    const int error = errno;
    struct stat found {};
    if (error == EEXIST && ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) {
        return base::Done{};
    }
    errno = error;
    return system_error("cannot make the directory \"" + path + '"');
}

base::Result<base::Done> remove_tree(const std::string& path) {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (!error) return base::Done{};
    return base::Error{"cannot remove \"" + path + "\": " + lower_first(error.message())};
}

}  // namespace storm::supervisor

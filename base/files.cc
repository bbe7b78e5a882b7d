#include "base/files.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace storm::base {
namespace {

std::string lower_first(std::string text) {
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') {
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    }
    return text;
}

std::string directory_of(const std::string& path) {
    std::string directory = std::filesystem::path(path).parent_path().string();
    return directory.empty() ? "." : directory;
}

/// Deletes the file in the destructor: after a rename or link its content lives under another name.
class PartialFile {
public:
    PartialFile(std::string name, int fd) : name_(std::move(name)), file_(fd) {}
    PartialFile(const PartialFile&) = delete;
    PartialFile& operator=(const PartialFile&) = delete;
    ~PartialFile() {
        const int kept = errno;
        if (file_.is_open()) ::unlink(name_.c_str());
        errno = kept;
    }

    const char* name() const { return name_.c_str(); }
    bool write(std::string_view bytes, mode_t mode, Keep keep) {
        return file_.is_open() && ::fchmod(file_.get(), mode) == 0 &&
               write_all(file_.get(), bytes).has_value() &&
               (keep == Keep::kOverProcess || ::fsync(file_.get()) == 0);
    }

private:
    std::string name_;
    Descriptor file_;
};

}  // namespace

void Descriptor::reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Error system_error(const std::string& what) {
    return {what + ": " + lower_first(std::generic_category().message(errno))};
}

namespace {

Descriptor open_small_file(const std::string& path) {
    // Without waiting, since a FIFO in its place would wait for ever.
    return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

/// `file` was opened just now, or errno says why it was not. Read until the end, not by the size:
/// files of /proc have none.
Result<std::string> read_opened(const Descriptor& file, const std::string& path,
                                std::size_t bytes_max) {
    const auto refuse = [&path] { return system_error("cannot read \"" + path + '"'); };
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
    return Error{"cannot read \"" + path + "\": it has over " + std::to_string(bytes_max) +
                 " bytes"};
}

}  // namespace

Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max) {
    return read_opened(open_small_file(path), path, bytes_max);
}

Result<std::optional<std::string>> read_small_file_if_any(const std::string& path,
                                                          std::size_t bytes_max) {
    const Descriptor file = open_small_file(path);
    if (!file.is_open() && (errno == ENOENT || errno == ENOTDIR))
        return std::optional<std::string>();
    auto bytes = read_opened(file, path, bytes_max);
    if (!bytes) return bytes.error();
    return std::optional<std::string>(std::move(bytes).value());
}

Result<Done> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("cannot write");
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return Done{};
}

/// Whatever interrupts it leaves the former content, or the new one, and at most one leftover
/// beside it. Only with Keep::kDurable does that hold for a crash of the host.
Result<Done> write_whole_file(const std::string& path, std::string_view bytes, mode_t mode,
                              Keep keep) {
    // Always the same name, so that leftovers of killed processes do not pile up.
    const std::string name = path + ".partial";
    ::unlink(name.c_str());
    PartialFile partial(
        name, ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!partial.write(bytes, mode, keep) || ::rename(partial.name(), path.c_str()) != 0) {
        return system_error("cannot write \"" + path + '"');
    }
    return keep == Keep::kDurable ? sync_directory(directory_of(path)) : Done{};
}

/// Names it by link(), which fails if the name is there, unlike rename(): of several processes the
/// first one wins, and all read its file.
Result<bool> write_new_file(const std::string& path, std::string_view bytes, mode_t mode) {
    // A random name, since several processes may try at once.
    std::string name = path + ".XXXXXX";
    const int fd = ::mkostemp(name.data(), O_CLOEXEC);
    PartialFile partial(name, fd);
    if (!partial.write(bytes, mode, Keep::kDurable)) {
        return system_error("cannot write \"" + path + '"');
    }
    if (::link(partial.name(), path.c_str()) != 0) {
        if (errno == EEXIST) return false;
        return system_error("cannot write \"" + path + '"');
    }
    const auto synced = sync_directory(directory_of(path));
    if (!synced) return synced.error();
    return true;
}

Result<Done> sync_directory(const std::string& path) {
    const Descriptor opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open() || ::fsync(opened.get()) != 0) {
        return system_error("cannot sync the directory \"" + path + '"');
    }
    return Done{};
}

Result<Done> make_directory(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) == 0) return Done{};
    if (errno == ENOENT) {
        const std::string parent = std::filesystem::path(path).parent_path().string();
        if (!parent.empty() && parent != path) {
            const auto made = make_directory(parent, mode);
            if (!made) return made.error();
            if (::mkdir(path.c_str(), mode) == 0) return Done{};
        }
    }
    const int error = errno;
    struct stat found {};
    if (error == EEXIST && ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) {
        return Done{};
    }
    errno = error;
    return system_error("cannot make the directory \"" + path + '"');
}

Result<Done> remove_tree(const std::string& path) {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (!error) return Done{};
    return Error{"cannot remove \"" + path + "\": " + lower_first(error.message())};
}

}  // namespace storm::base

#include "nimbus/local_dir.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"

namespace storm::nimbus {
namespace {

constexpr std::size_t kTokenBytesMin = 16;
constexpr std::size_t kTokenBytesMax = 1024;

std::string why() {
    return std::error_code(errno, std::generic_category()).message();
}

bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(descriptor, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

std::string read_some(int descriptor, std::size_t most) {
    std::string text(most, '\0');
    const ssize_t count = ::pread(descriptor, text.data(), text.size(), 0);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
}

/// Under its name once it is whole; `mode` for its readers. False: errno says why.
bool write_file(const std::string& path, std::string_view text, mode_t mode, bool replace) {
    std::string part = path + ".XXXXXX";
    const int descriptor = ::mkostemp(part.data(), O_CLOEXEC);
    if (descriptor < 0) return false;
    bool written =
        ::fchmod(descriptor, mode) == 0 && write_all(descriptor, text) && ::fsync(descriptor) == 0;
    if (replace) {
        written = written && std::rename(part.c_str(), path.c_str()) == 0;
    } else {
        written = written && ::link(part.c_str(), path.c_str()) == 0;
    }
    const int kept = errno;
    ::close(descriptor);
    if (!replace || !written) ::unlink(part.c_str());
    errno = kept;
    return written;
}

/// One that was killed a moment ago may still be on its way out.
bool take_lock(int lock) {
    constexpr int kTries = 50;
    constexpr int kPauseMs = 20;
    for (int i = 0; i < kTries; ++i) {
        if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return true;
        ::poll(nullptr, 0, kPauseMs);
    }
    return false;
}

}  // namespace

base::Result<LocalDir> LocalDir::open(const std::string& dir, const std::string& daemon) {
    std::error_code error;
    const bool made = std::filesystem::create_directories(dir, error);
    if (!error && made) {
        std::filesystem::permissions(dir, std::filesystem::perms::owner_all, error);
    }
    if (error) return base::Error{"cannot make storm.local.dir " + dir + ": " + error.message()};
    const std::string lock_path = dir + '/' + daemon + ".lock";
    const int lock =
        ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (lock < 0) return base::Error{"cannot write " + lock_path + ": " + why()};
    if (!take_lock(lock)) {
        const std::string pid = read_some(lock, 20);
        ::close(lock);
        return base::Error{"storm.local.dir " + dir + " is in use by another storm-" + daemon +
                           ", process " + pid + "; end that one, or set another storm.local.dir"};
    }
    const std::string pid = std::to_string(::getpid());
    if (::ftruncate(lock, 0) != 0 || !write_all(lock, pid)) {
        const std::string failure = "cannot write " + lock_path + ": " + why();
        ::close(lock);
        return base::Error{failure};
    }
    ::unlink((dir + '/' + daemon + ".json").c_str());  // Of one that was killed.
    return LocalDir(dir, daemon, lock);
}

LocalDir::LocalDir(std::string dir, std::string daemon, int lock)
    : dir_(std::move(dir)), daemon_(std::move(daemon)), lock_(lock) {}

LocalDir::LocalDir(LocalDir&& other) noexcept
    : dir_(std::move(other.dir_)),
      daemon_(std::move(other.daemon_)),
      lock_(std::exchange(other.lock_, -1)),
      json_(std::exchange(other.json_, {})) {}

LocalDir::~LocalDir() {
    if (!json_.empty()) ::unlink(json_.c_str());
    if (lock_ >= 0) ::close(lock_);
}

base::Result<base::Done> LocalDir::ready(const std::map<std::string, std::string>& fields) {
    std::string text = "{\"pid\": " + std::to_string(::getpid());
    for (const auto& [name, value] : fields)
        text.append(", \"").append(name).append("\": ").append(value);
    json_ = dir_ + '/' + daemon_ + ".json";
    if (!write_file(json_, text + "}\n", S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, true)) {
        return base::Error{"cannot write " + json_ + ": " + why()};
    }
    return base::Done{};
}

std::string random_secret() {
    std::string bytes;
    while (bytes.size() < 32) {
        std::uint64_t number = base::kernel_seed();
        for (int i = 0; i < 8; ++i, number >>= 8U) {
            bytes += static_cast<char>(static_cast<unsigned char>(number & 0xffU));
        }
    }
    return bytes;
}

base::Result<std::string> read_or_make_token(const std::string& path) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string made;
    for (const char letter : random_secret()) {
        made += kDigits[static_cast<unsigned char>(letter) >> 4U];
        made += kDigits[static_cast<unsigned char>(letter) & 15U];
    }
    // Whoever is first makes it: several daemons may share the file.
    if (!write_file(path, made + '\n', S_IRUSR | S_IWUSR, false) && errno != EEXIST) {
        return base::Error{"cannot make the token file " + path + ": " + why()};
    }
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return base::Error{"cannot read the token file " + path + ": " + why()};
    struct stat found {};
    const bool open_to_others =
        ::fstat(descriptor, &found) == 0 && (found.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    std::string token = read_some(descriptor, kTokenBytesMax + 1);
    ::close(descriptor);
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
    if (open_to_others) {
        return base::Error{
            "the token file " + path +
            " can be read by others: whoever does can run programs here; chmod 600 " + path};
    }
    const bool printable = std::all_of(token.begin(), token.end(),
                                       [](char letter) { return letter > ' ' && letter < '\x7f'; });
    if (token.size() < kTokenBytesMin || token.size() > kTokenBytesMax || !printable) {
        return base::Error{"the token file " + path +
                           " does not hold a token: 16 to 1024 letters "
                           "or digits; remove it and a new one is made"};
    }
    return token;
}

}  // namespace storm::nimbus

#include "daemon/local_dir.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/secret.h"
#include "base/sha256.h"

namespace storm::daemon {
namespace {

constexpr std::size_t kPidBytesMax = 20;
constexpr std::size_t kTokenBytesMin = 16;
constexpr std::size_t kTokenBytesMax = 1024;
constexpr std::size_t kNewTokenBytes = 32;

/// A process that was killed a moment ago may still be exiting.
bool take_lock(int lock) {
    constexpr int kTries = 20;
    constexpr int kPauseMs = 20;
    for (int i = 0; i < kTries; ++i) {
        if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return true;
        ::poll(nullptr, 0, kPauseMs);
    }
    return false;
}

}  // namespace

/// The lock goes with the process, however it ends, so nothing has to be cleaned up: what the file
/// says is only for people.
base::Result<LocalDir> LocalDir::open(const std::string& dir, const std::string& daemon) {
    const auto made = base::make_directory(dir, S_IRWXU);
    if (!made) return base::Error{made.error().message + " (storm.local.dir)"};
    const std::string path = dir + '/' + daemon + ".lock";
    base::Descriptor lock(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!lock.is_open()) return base::system_error("cannot write \"" + path + '"');
    if (!take_lock(lock.get())) {
        const auto pid = base::read_small_file(path, kPidBytesMax);
        return base::Error{"storm.local.dir \"" + dir + "\" is in use by another storm-" + daemon +
                           ", process " + (pid && !pid->empty() ? *pid : "unknown") +
                           "; end that one, or set another storm.local.dir"};
    }
    // Used only for the message above; a full disk must not keep a daemon down.
    if (::ftruncate(lock.get(), 0) != 0 ||
        !base::write_all(lock.get(), std::to_string(::getpid()))) {
        base::log::warn("cannot write down the process", {{"file", path}});
    }
    ::unlink((dir + '/' + daemon + ".json").c_str());  // Left by a process that was killed.
    return LocalDir(dir, daemon, std::move(lock));
}

LocalDir::LocalDir(std::string dir, std::string daemon, base::Descriptor lock)
    : dir_(std::move(dir)), daemon_(std::move(daemon)), lock_(std::move(lock)) {}

LocalDir::LocalDir(LocalDir&& other) noexcept
    : dir_(std::move(other.dir_)),
      daemon_(std::move(other.daemon_)),
      lock_(std::move(other.lock_)),
      json_(std::exchange(other.json_, {})) {}

LocalDir::~LocalDir() {
    if (!json_.empty()) ::unlink(json_.c_str());
}

void LocalDir::ready(nlohmann::json fields) {
    fields["pid"] = ::getpid();
    json_ = dir_ + '/' + daemon_ + ".json";
    const auto written =
        base::write_whole_file(json_, fields.dump() + '\n', S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
    if (!written)
        base::log::warn("cannot say that it is ready", {{"why", written.error().message}});
}

base::Result<std::string> read_or_make_token(const std::string& path, TokenKind kind) {
    // If the file exists, its folder may be read-only.
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) {
        // The first daemon makes it; several may share the file.
        const std::string new_token = base::to_hex(base::random_bytes(kNewTokenBytes)) + '\n';
        const auto made = base::write_new_file(path, new_token, S_IRUSR | S_IWUSR);
        if (!made) return base::Error{"cannot make the token file: " + made.error().message};
    }
    const bool full = kind == TokenKind::kFull;
    const mode_t forbidden = full ? S_IRWXG | S_IRWXO : S_IWGRP | S_IRWXO;
    if (::stat(path.c_str(), &found) == 0 && (found.st_mode & forbidden) != 0) {
        return base::Error{"the token file " + path + " can be read by others: whoever does can " +
                           (full ? "run programs here; chmod 600 " : "read all; chmod 640 ") +
                           path};
    }
    auto token = base::read_secret(path, kTokenBytesMax,
                                   full ? base::Readers::kNone : base::Readers::kGroup);
    if (!token) return base::Error{"cannot use the token file: " + token.error().message};
    const bool printable = std::all_of(token->begin(), token->end(),
                                       [](char letter) { return letter > ' ' && letter < '\x7f'; });
    if (token->size() < kTokenBytesMin || !printable) {
        return base::Error{"the token file " + path +
                           " does not hold a token: 16 to 1024 letters "
                           "or digits; remove it and a new one is made"};
    }
    return token;
}

}  // namespace storm::daemon

#include "base/secret.h"

#include <cerrno>
#include <utility>

#include <openssl/crypto.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/files.h"

namespace storm::base {

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    std::size_t have = 0;
    while (have < count) {
        const ssize_t got = ::getrandom(bytes.data() + have, count - have, 0);
        STORM_CHECK(got > 0 || errno == EINTR, "the kernel has random bytes");
        if (got > 0) have += static_cast<std::size_t>(got);
    }
    return bytes;
}

Result<std::string> read_secret(const std::string& path, std::size_t bytes_max, Readers readers) {
    const mode_t forbidden = readers == Readers::kNone ? S_IRWXG | S_IRWXO : S_IWGRP | S_IRWXO;
    struct stat found {};
    if (readers != Readers::kAll && ::stat(path.c_str(), &found) == 0 &&
        (found.st_mode & forbidden) != 0) {
        const char* const mode = readers == Readers::kNone ? "600" : "640";
        return Error{"\"" + path + "\" can be read by others; chmod " + mode + ' ' + path};
    }
    auto read = read_small_file(path, bytes_max);
    if (!read) return read;
    std::string secret = std::move(read).value();
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
    return secret;
}

std::optional<SecretFile::State> SecretFile::state_of_file() const {
    struct stat found {};
    if (::stat(path_.c_str(), &found) != 0) return std::nullopt;
    return State{static_cast<std::int64_t>(found.st_dev),
                 static_cast<std::int64_t>(found.st_ino),
                 found.st_size,
                 found.st_mtim.tv_sec,
                 found.st_mtim.tv_nsec,
                 found.st_ctim.tv_sec,
                 found.st_ctim.tv_nsec};
}

/// A stat() for each request instead of a read; all that changes with the content is compared.
const Result<std::string>& SecretFile::read() {
    if (path_.empty()) return secret_;
    // As it is before it is read: what changes meanwhile is seen the next time.
    const std::optional<State> state = state_of_file();
    if (!state || state != state_) secret_ = read_secret(path_, bytes_max_, readers_);
    state_ = state;
    return secret_;
}

/// In a time that depends on the lengths alone, which are no secrets: nobody can guess it byte by
/// byte.
bool same_secret(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace storm::base

#include "nimbus/blobs/blob_store.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "cluster/record_check.h"

namespace storm::nimbus {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPartPrefix = "new-";

std::string why() {
    return std::error_code(errno, std::generic_category()).message();
}

std::string hex(const unsigned char* bytes, std::size_t count) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += kDigits[bytes[i] >> 4U];
        text += kDigits[bytes[i] & 15U];
    }
    return text;
}

/// Empty: it cannot be read.
std::string hash_of_file(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return {};
    Sha256 hash;
    std::string piece(256 * 1024, '\0');
    ssize_t count = 0;
    while ((count = ::read(descriptor, piece.data(), piece.size())) > 0) {
        hash.add({piece.data(), static_cast<std::size_t>(count)});
    }
    ::close(descriptor);
    return count < 0 ? std::string() : hash.hex();
}

bool sync_folder(const std::string& dir) {
    const int descriptor = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const bool synced = ::fsync(descriptor) == 0;
    ::close(descriptor);
    return synced;
}

}  // namespace

struct Sha256::Context {
    EVP_MD_CTX* evp = EVP_MD_CTX_new();
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
    STORM_CHECK(context_->evp != nullptr, "OpenSSL has memory");
    STORM_CHECK(EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) == 1,
                "OpenSSL has SHA-256");
}

Sha256::~Sha256() {
    EVP_MD_CTX_free(context_->evp);
}

void Sha256::add(std::string_view bytes) {
    STORM_CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1,
                "a hash takes any bytes");
}

std::string Sha256::hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    STORM_CHECK(EVP_DigestFinal_ex(context_->evp, digest.data(), &size) == 1, "hex() comes once");
    return nimbus::hex(digest.data(), size);
}

NewBlob::NewBlob(std::string dir, std::string sha256, int descriptor, std::string path)
    : dir_(std::move(dir)),
      sha256_(std::move(sha256)),
      descriptor_(descriptor),
      path_(std::move(path)) {}

NewBlob::~NewBlob() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!path_.empty()) ::unlink(path_.c_str());
}

base::Result<base::Done> NewBlob::write(std::string_view piece) {
    hash_.add(piece);
    while (!piece.empty()) {
        const ssize_t count = ::write(descriptor_, piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return base::Error{"cannot write a blob to " + dir_ + ": " + why()};
        piece.remove_prefix(static_cast<std::size_t>(count));
    }
    return base::Done{};
}

bool NewBlob::hash_is_right() {
    if (!right_) right_ = hash_.hex() == sha256_;
    return *right_;
}

base::Result<base::Done> NewBlob::publish() {
    if (!hash_is_right()) return base::Error{"the bytes have another hash"};
    const std::string named = dir_ + '/' + sha256_;
    if (::fchmod(descriptor_, S_IRUSR) != 0 || ::fsync(descriptor_) != 0 ||
        std::rename(path_.c_str(), named.c_str()) != 0) {
        return base::Error{"cannot write blob " + sha256_ + " to " + dir_ + ": " + why()};
    }
    path_.clear();
    if (!sync_folder(dir_)) {
        return base::Error{"cannot write blob " + sha256_ + " to " + dir_ + ": " + why()};
    }
    return base::Done{};
}

base::Result<BlobStore> BlobStore::open(const std::string& dir) {
    std::error_code error;
    fs::create_directories(dir, error);
    if (!error) fs::permissions(dir, fs::perms::owner_all, error);
    if (error) return base::Error{"cannot make folder " + dir + ": " + error.message()};
    for (const auto& entry : fs::directory_iterator(dir, error)) {
        std::error_code ignored;
        if (entry.path().filename().string().starts_with(kPartPrefix)) {
            fs::remove(entry.path(), ignored);
        }
    }
    if (error) return base::Error{"cannot read folder " + dir + ": " + error.message()};
    return BlobStore(dir);
}

std::optional<std::uint64_t> BlobStore::size(const std::string& sha256) const {
    if (!cluster::is_sha256(sha256)) return std::nullopt;
    const std::string file = path(sha256);
    struct stat found {};
    if (::lstat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
    static_cast<void>(::utimensat(AT_FDCWD, file.c_str(), nullptr, AT_SYMLINK_NOFOLLOW));
    return static_cast<std::uint64_t>(found.st_size);
}

base::Result<std::unique_ptr<NewBlob>> BlobStore::create(const std::string& sha256) const {
    if (!cluster::is_sha256(sha256)) return base::Error{"\"" + sha256 + "\" is no SHA-256"};
    std::string part = dir_ + '/' + std::string(kPartPrefix) + "XXXXXX";
    const int descriptor = ::mkostemp(part.data(), O_CLOEXEC);
    if (descriptor < 0) return base::Error{"cannot write a blob to " + dir_ + ": " + why()};
    return std::unique_ptr<NewBlob>(new NewBlob(dir_, sha256, descriptor, std::move(part)));
}

bool BlobStore::verify(const std::string& sha256) const {
    if (!size(sha256)) return false;
    if (hash_of_file(path(sha256)) == sha256) return true;
    base::log::error("a blob is spoilt, and removed", {{"blob", sha256}});
    ::unlink(path(sha256).c_str());
    return false;
}

BlobStore::Stock BlobStore::sweep(const std::set<std::string>& in_use,
                                  std::chrono::seconds keep) const {
    Stock stock;
    std::error_code error;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    for (const auto& entry : fs::directory_iterator(dir_, error)) {
        const std::string name = entry.path().filename().string();
        struct stat found {};
        if (!cluster::is_sha256(name) || ::lstat(entry.path().c_str(), &found) != 0) continue;
        const bool is_old = found.st_mtim.tv_sec + keep.count() <= now.tv_sec;
        if (is_old && in_use.count(name) == 0 && ::unlink(entry.path().c_str()) == 0) {
            base::log::info("blob removed", {{"blob", name}});
            continue;
        }
        ++stock.blobs;
        stock.bytes += static_cast<std::uint64_t>(found.st_size);
    }
    return stock;
}

}  // namespace storm::nimbus

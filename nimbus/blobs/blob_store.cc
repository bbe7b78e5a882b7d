#include "nimbus/blobs/blob_store.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/files.h"
#include "base/log.h"
#include "base/sha256.h"
#include "cluster/names.h"

namespace storm::nimbus {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPartPrefix = "new-";

}  // namespace

NewBlob::NewBlob(std::string dir, std::string sha256, base::Descriptor file, std::string path)
    : dir_(std::move(dir)),
      sha256_(std::move(sha256)),
      file_(std::move(file)),
      path_(std::move(path)) {}

NewBlob::~NewBlob() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

base::Result<base::Done> NewBlob::write(std::string_view piece) {
    STORM_CHECK(!right_, "the hash is that of all that was written");
    hash_.add(piece);
    if (base::write_all(file_.get(), piece)) return base::Done{};
    return base::system_error("cannot write a blob to " + dir_);
}

bool NewBlob::hash_is_right() {
    if (!right_) right_ = hash_.hex() == sha256_;
    return *right_;
}

base::Result<base::Done> NewBlob::publish() {
    STORM_CHECK(!path_.empty(), "a blob is published once");
    if (!hash_is_right()) return base::Error{"the bytes have another hash"};
    const std::string named = dir_ + '/' + sha256_;
    // On the disk before it has its name: after a crash of the host a name never stands for a blob
    // whose bytes are missing.
    if (::fchmod(file_.get(), S_IRUSR) != 0 || ::fsync(file_.get()) != 0 ||
        std::rename(path_.c_str(), named.c_str()) != 0) {
        return base::system_error("cannot write blob " + sha256_ + " to " + dir_);
    }
    path_.clear();
    return base::sync_directory(dir_);
}

/// Unfinished files are those of a former process: the lock of storm.local.dir, which is taken
/// before, leaves no other.
base::Result<BlobStore> BlobStore::open(const std::string& dir) {
    std::error_code error;
    fs::create_directories(dir, error);
    if (!error) fs::permissions(dir, fs::perms::owner_all, error);
    if (error) return base::Error{"cannot make folder " + dir + ": " + error.message()};
    // Not a range-for, whose increments throw.
    for (fs::directory_iterator entry(dir, error), none; !error && entry != none;
         entry.increment(error)) {
        std::error_code ignored;
        if (entry->path().filename().string().starts_with(kPartPrefix)) {
            fs::remove(entry->path(), ignored);
        }
    }
    if (error) return base::Error{"cannot read folder " + dir + ": " + error.message()};
    return BlobStore(dir);
}

/// Sets the time of the last use, too, by which sweep() judges: between this question and the
/// submission that names the blob nothing else protects it.
std::optional<std::uint64_t> BlobStore::size(const std::string& sha256) const {
    if (!base::is_sha256(sha256)) return std::nullopt;
    const std::string file = path(sha256);
    struct stat found {};
    if (::lstat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
    static_cast<void>(::utimensat(AT_FDCWD, file.c_str(), nullptr, AT_SYMLINK_NOFOLLOW));
    return static_cast<std::uint64_t>(found.st_size);
}

base::Result<std::unique_ptr<NewBlob>> BlobStore::create(const std::string& sha256) const {
    if (!base::is_sha256(sha256)) return base::Error{"\"" + sha256 + "\" is not a SHA-256"};
    std::string part = dir_ + '/' + std::string(kPartPrefix) + "XXXXXX";
    base::Descriptor file(::mkostemp(part.data(), O_CLOEXEC));
    if (!file.is_open()) return base::system_error("cannot write a blob to " + dir_);
    return std::unique_ptr<NewBlob>(new NewBlob(dir_, sha256, std::move(file), std::move(part)));
}

bool BlobStore::verify(const std::string& sha256) const {
    if (!size(sha256)) return false;
    const auto digest = base::digest_of_file(path(sha256));
    if (!digest) {
        base::log::error("a blob cannot be read",
                         {{"blob", sha256}, {"why", digest.error().message}});
        return false;
    }
    if (digest->sha256 == sha256) return true;
    // Then it is missing, and can be fetched from another Nimbus; under its name it would never be.
    base::log::error("a blob is damaged, and removed", {{"blob", sha256}});
    ::unlink(path(sha256).c_str());
    return false;
}

std::vector<std::string> BlobStore::list() const {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(dir_, error), none; !error && entry != none;
         entry.increment(error)) {
        std::string name = entry->path().filename().string();
        if (base::is_sha256(name)) names.push_back(std::move(name));
    }
    return names;
}

std::string BlobStore::users_of_(const std::string& sha256) const {
    return dir_ + "/users/" + sha256;
}

/// An empty file for each user. They outlive this process and ZooKeeper's data, which is what they
/// are for: a topology that ZooKeeper has lost still has its program.
void BlobStore::note_users(const BlobUsers& users) const {
    for (const auto& [sha256, topologies] : users) {
        if (!size(sha256)) continue;
        std::error_code error;
        fs::create_directories(users_of_(sha256), error);
        for (const std::string& topology : topologies) {
            if (error) break;
            if (!cluster::is_id(topology)) continue;
            const std::string note = users_of_(sha256) + '/' + topology;
            const base::Descriptor file(::open(
                note.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
            if (!file.is_open()) error.assign(errno, std::generic_category());
        }
        if (error)
            base::log::warn("cannot note who uses a blob",
                            {{"blob", sha256}, {"why", error.message()}});
    }
}

bool BlobStore::has_users_(const std::string& sha256, const std::set<std::string>& removed) const {
    bool any = false;
    std::error_code error;
    for (fs::directory_iterator entry(users_of_(sha256), error), none; !error && entry != none;
         entry.increment(error)) {
        const bool forgotten = removed.contains(entry->path().filename().string()) &&
                               ::unlink(entry->path().c_str()) == 0;
        any = any || !forgotten;
    }
    // A folder that cannot be read may not be empty.
    return any || (error && error != std::errc::no_such_file_or_directory);
}

BlobStore::Stock BlobStore::sweep(const BlobUsers& users, const std::set<std::string>& removed,
                                  const Keep& keep,
                                  std::chrono::system_clock::time_point now) const {
    Stock stock;
    for (const std::string& name : list()) {
        struct stat found {};
        if (::lstat(path(name).c_str(), &found) != 0) continue;
        const bool has_users = has_users_(name, removed);
        // Users decide how long, not whether: marks of removals are swept, and a user whose mark is
        // gone would otherwise keep a blob for ever.
        const std::chrono::seconds kept = has_users ? keep.lost : keep.unused;
        const bool is_old = std::chrono::system_clock::from_time_t(found.st_mtime) + kept <= now;
        if (is_old && !users.contains(name) && ::unlink(path(name).c_str()) == 0) {
            // After the blob, and only then: a blob without its notes would look unused.
            std::error_code ignored;
            fs::remove_all(users_of_(name), ignored);
            base::log::info(
                "blob removed",
                {{"blob", name}, {"used_by", has_users ? "lost topologies" : "nobody"}});
            continue;
        }
        ++stock.blobs;
        stock.bytes += static_cast<std::uint64_t>(found.st_size);
    }
    return stock;
}

}  // namespace storm::nimbus

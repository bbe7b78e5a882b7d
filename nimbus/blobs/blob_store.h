// Files by content: <dir>/<sha256>, mode 0400, never changed; and which topologies have named them:
// an empty file <dir>/users/<sha256>/<topology> for each.
//
// A blob that no topology names may be needed all the same: ZooKeeper was emptied, or an older copy
// of it will be put back. So one that was ever named goes only when each of those topologies was
// removed, for which there is a mark; and, because marks are swept too, when nobody has wanted it
// for very long.
//
// A blob gets its name once it is complete, has the right hash and is on the disk. It is hashed
// again at the next start (BlobThread::verify_all), which removes blobs that the disk has
// corrupted, so that they can be uploaded again. Clients hash what they download, too. It is not
// hashed for each reader, because that would read all of it for a cheap request.
//
// Threads: any; methods use only the file system.
// Cost:    verify() reads the whole blob.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "base/sha256.h"

namespace storm::nimbus {

class BlobStore;

/// The topologies that name a blob, by the blob's SHA-256.
using BlobUsers = std::map<std::string, std::set<std::string>>;

/// A blob being written; deleted if it is not published.
class NewBlob {
public:
    ~NewBlob();
    NewBlob(const NewBlob&) = delete;
    NewBlob& operator=(const NewBlob&) = delete;

    base::Result<base::Done> write(std::string_view piece);
    /// Syncs the blob to the disk, and gives it its name. An error if the hash is wrong, or the
    /// disk fails.
    base::Result<base::Done> publish();
    /// Whether the written bytes have the right hash. To be called once, after the last write().
    bool hash_is_right();

private:
    friend class BlobStore;
    NewBlob(std::string dir, std::string sha256, base::Descriptor file, std::string path);

    const std::string dir_;
    const std::string sha256_;
    base::Descriptor file_;
    std::string path_;
    base::Sha256 hash_;
    std::optional<bool> right_;
};

class BlobStore {
public:
    struct Stock {
        std::uint64_t blobs = 0;
        std::uint64_t bytes = 0;
    };
    /// How long a blob is kept that nobody has asked for.
    struct Keep {
        std::chrono::seconds unused;  ///< Each topology that has named it was removed.
        std::chrono::seconds lost;    ///< One of them is neither there nor removed.
    };

    /// Makes the folder, and removes unfinished blobs of a former process.
    static base::Result<BlobStore> open(const std::string& dir);

    /// Bytes of a blob; nothing: there is none. Counts as use of the blob for sweep().
    std::optional<std::uint64_t> size(const std::string& sha256) const;
    std::string path(const std::string& sha256) const { return dir_ + '/' + sha256; }
    base::Result<std::unique_ptr<NewBlob>> create(const std::string& sha256) const;
    /// The names of all blobs.
    std::vector<std::string> list() const;
    /// Whether the blob exists and has the right hash. Removes it if the hash is wrong; one that
    /// cannot be read stays, and the log says so.
    bool verify(const std::string& sha256) const;
    /// Remembers, beyond the end of this process, who names which of the blobs here.
    void note_users(const BlobUsers& users) const;
    /// Removes blobs that are not in `users`, and at `now` have not been asked for within `keep`.
    /// `removed`: topologies that were removed for sure.
    Stock sweep(const BlobUsers& users, const std::set<std::string>& removed, const Keep& keep,
                std::chrono::system_clock::time_point now) const;

private:
    explicit BlobStore(std::string dir) : dir_(std::move(dir)) {}

    std::string users_of_(const std::string& sha256) const;
    /// Forgets the users that were removed; whether others are left.
    bool has_users_(const std::string& sha256, const std::set<std::string>& removed) const;

    std::string dir_;
};

}  // namespace storm::nimbus

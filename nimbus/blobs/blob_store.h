// Files by content: <dir>/<sha256>, mode 0400, never changed.
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

    /// Makes the folder, and removes unfinished blobs of a former process.
    static base::Result<BlobStore> open(const std::string& dir);

    /// Bytes of a blob; nothing: there is none. Counts as use of the blob for sweep().
    std::optional<std::uint64_t> size(const std::string& sha256) const;
    std::string path(const std::string& sha256) const { return dir_ + '/' + sha256; }
    base::Result<std::unique_ptr<NewBlob>> create(const std::string& sha256) const;
    /// The names of all blobs.
    std::vector<std::string> list() const;
    /// Whether the blob exists and has the right hash. Removes it if not.
    bool verify(const std::string& sha256) const;
    /// Removes blobs that are not in `in_use` and have not been asked for within `keep`.
    Stock sweep(const std::set<std::string>& in_use, std::chrono::seconds keep) const;

private:
    explicit BlobStore(std::string dir) : dir_(std::move(dir)) {}

    std::string dir_;
};

}  // namespace storm::nimbus

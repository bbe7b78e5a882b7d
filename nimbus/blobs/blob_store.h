// Files by content: <dir>/<sha256>, mode 0400, never changed.
//
// A blob gets its name once it is whole, has that hash and is on the disk. It is hashed again at
// the next start (BlobThread::verify_all), when what a disk has spoilt is removed, and can be
// uploaded again; and by whoever downloads it. Not for each reader: that is a whole read for a
// cheap request.
//
// Threads: any; methods touch nothing but the file system.
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

/// A blob that is being written; gone if it is not published.
class NewBlob {
public:
    ~NewBlob();
    NewBlob(const NewBlob&) = delete;
    NewBlob& operator=(const NewBlob&) = delete;

    base::Result<base::Done> write(std::string_view piece);
    /// To the disk, and under its name. The error: it has another hash, or the disk refuses.
    base::Result<base::Done> publish();
    /// Whether what was written has the right hash. Once, after the last write().
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

    /// Makes the folder, and removes what a former process left half-written.
    static base::Result<BlobStore> open(const std::string& dir);

    /// Bytes of a blob; nothing: it is not there. Being asked for it counts as use, for sweep().
    std::optional<std::uint64_t> size(const std::string& sha256) const;
    std::string path(const std::string& sha256) const { return dir_ + '/' + sha256; }
    base::Result<std::unique_ptr<NewBlob>> create(const std::string& sha256) const;
    /// All that are there.
    std::vector<std::string> list() const;
    /// Whether the blob is there and has its hash. Removes it if not.
    bool verify(const std::string& sha256) const;
    /// Removes those that nobody names and nobody has asked for in `keep`.
    Stock sweep(const std::set<std::string>& in_use, std::chrono::seconds keep) const;

private:
    explicit BlobStore(std::string dir) : dir_(std::move(dir)) {}

    std::string dir_;
};

}  // namespace storm::nimbus

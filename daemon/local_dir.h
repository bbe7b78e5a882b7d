// A daemon's own folder: one process at a time, its token, and the file that says where it is.
//
//     <storm.local.dir>/DAEMON.lock   held while the process lives; has its pid
//     <storm.local.dir>/DAEMON.json   {"pid", "port", …}, once it is ready
//     <storm.local.dir>/token         made when it is missing; mode 0600
//
// Threads: one.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/files.h"
#include "base/result.h"

namespace storm::cluster {

class LocalDir {
public:
    /// Makes the folder (mode 0700) and takes the lock. The error names the process that has it.
    /// `daemon`: "nimbus" or "supervisor".
    static base::Result<LocalDir> open(const std::string& dir, const std::string& daemon);
    LocalDir(LocalDir&& other) noexcept;
    LocalDir& operator=(LocalDir&&) = delete;
    LocalDir(const LocalDir&) = delete;
    LocalDir& operator=(const LocalDir&) = delete;
    /// Removes what ready() wrote.
    ~LocalDir();

    const std::string& path() const { return dir_; }
    /// Writes DAEMON.json with `fields`, an object, and the pid. Where that cannot be written the
    /// log says so: whoever looks for the file then waits, but a daemon is not to stay down for it.
    void ready(nlohmann::json fields);

private:
    LocalDir(std::string dir, std::string daemon, base::Descriptor lock);

    std::string dir_;
    std::string daemon_;
    base::Descriptor lock_;
    std::string json_;
};

/// What is in the file; made with 32 random bytes in hex when it is not there. The error: it cannot
/// be read or made, others may read it, or it is no token. One for reading alone may be read by its
/// group.
enum class TokenKind : std::uint8_t { kFull, kReadonly };
base::Result<std::string> read_or_make_token(const std::string& path,
                                             TokenKind kind = TokenKind::kFull);

}  // namespace storm::cluster

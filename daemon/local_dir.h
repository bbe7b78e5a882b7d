// A daemon's own folder: locked by one process at a time, with its token and a file with its
// address.
//
//     <storm.local.dir>/DAEMON.lock   locked while the process lives; has its pid
//     <storm.local.dir>/DAEMON.json   {"pid", "port", …}, once it is ready
//     <storm.local.dir>/token         made if it is missing; mode 0600
//
// Threads: one.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/files.h"
#include "base/result.h"

namespace storm::daemon {

class LocalDir {
public:
    /// Makes the folder (mode 0700) and takes the lock. An error names the process that has it.
    /// `daemon`: "nimbus" or "supervisor".
    static base::Result<LocalDir> open(const std::string& dir, const std::string& daemon);
    LocalDir(LocalDir&& other) noexcept;
    LocalDir& operator=(LocalDir&&) = delete;
    LocalDir(const LocalDir&) = delete;
    LocalDir& operator=(const LocalDir&) = delete;
    /// Removes the file that ready() wrote.
    ~LocalDir();

    const std::string& path() const { return dir_; }
    /// Writes DAEMON.json with `fields`, an object, and the pid. A failure is only logged: programs
    /// that wait for the file then wait on, but the daemon stays up.
    void ready(nlohmann::json fields);

private:
    LocalDir(std::string dir, std::string daemon, base::Descriptor lock);

    std::string dir_;
    std::string daemon_;
    base::Descriptor lock_;
    std::string json_;
};

/// Reads the token file, or makes one with 32 random bytes in hex if it is missing. An error if it
/// cannot be read or made, others may read it, or it has no token. A token for reading only may be
/// readable by its group.
enum class TokenKind : std::uint8_t { kFull, kReadonly };
base::Result<std::string> read_or_make_token(const std::string& path,
                                             TokenKind kind = TokenKind::kFull);

}  // namespace storm::daemon

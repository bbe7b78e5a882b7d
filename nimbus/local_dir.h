// A daemon's own folder: one process at a time, its token, and the file that says where it is.
//
//     <storm.local.dir>/nimbus.lock   held while the process lives; has its pid
//     <storm.local.dir>/nimbus.json   {"pid", "port", …}, once it is ready
//     <storm.local.dir>/token         made when it is missing; mode 0600
//
// Threads: one.
#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace storm::nimbus {

class LocalDir {
public:
    /// Makes the folder (mode 0700) and takes the lock. The error names the process that has it.
    static base::Result<LocalDir> open(const std::string& dir, const std::string& daemon);
    LocalDir(LocalDir&& other) noexcept;
    LocalDir& operator=(LocalDir&&) = delete;
    LocalDir(const LocalDir&) = delete;
    LocalDir& operator=(const LocalDir&) = delete;
    /// Removes what ready() wrote.
    ~LocalDir();

    const std::string& path() const { return dir_; }
    /// Values are JSON already. Whole, or not at all.
    base::Result<base::Done> ready(const std::map<std::string, std::string>& fields);

private:
    LocalDir(std::string dir, std::string daemon, int lock);

    std::string dir_;
    std::string daemon_;
    int lock_;
    std::string json_;
};

/// What is in the file; made with 32 random bytes in hex when it is not there. The error: it cannot
/// be read or made, others may read it, or it is no token.
base::Result<std::string> read_or_make_token(const std::string& path);

/// 32 bytes from the kernel.
std::string random_secret();

}  // namespace storm::nimbus

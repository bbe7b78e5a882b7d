// Numbers of the system's users that workers may run as.
//
// Threads: plain values.
#pragma once

#include <string>

#include <sys/types.h>

#include "base/result.h"

namespace storm::supervisor {

/// An inclusive range. A user's group has the same number.
struct UserIds {
    uid_t first = 0;
    uid_t last = 0;

    bool has(uid_t id) const { return id >= first && id <= last; }
    friend bool operator==(const UserIds&, const UserIds&) = default;
};

/// Parses "70000-79999". An error says what is wrong, and what to write.
base::Result<UserIds> parse_user_ids(const std::string& text);

}  // namespace storm::supervisor

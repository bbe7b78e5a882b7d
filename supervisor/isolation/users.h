// Users of the system that workers run as: each topology has one of its own on this host.
//
// Whose a topology is, is written on its folder: <storm.local.dir>/workers/<topology> belongs to
// the Supervisor, and to the group with the number of its user. So it is his for as long as there
// is anything of the topology, whatever becomes of the Supervisor, and nobody else's. Who he is
// follows from the topology's name: on all hosts the same, unless another topology has him there,
// and the same when it is submitted again, so that its workers can share files.
//
//     workers/                   0711  the Supervisor's
//     workers/<topology>/        0710  the Supervisor's, group U
//     workers/<topology>/<n>/    0700  U's
//
// Threads: any, but one at a time for one directory. Files are read and written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/result.h"

namespace storm::supervisor {

struct Places;

/// Both belong to it. A user's group has his number.
struct UserIds {
    uid_t first = 0;
    uid_t last = 0;

    bool has(uid_t id) const { return id >= first && id <= last; }
    friend bool operator==(const UserIds&, const UserIds&) = default;
};

/// Of "70000-79999". The error says what is wrong, and what to write.
base::Result<UserIds> parse_user_ids(const std::string& text);

/// Makes the folders that all workers' folders are in such that their users can enter them, and
/// list none. A warning in the log names a folder above that they cannot enter.
base::Result<base::Done> open_to_users(const Places& places);

/// Makes the folder of worker `number`, and gives it to the user of its topology, who is chosen
/// with the first one. Nothing: workers run as whoever this process is.
base::Result<std::optional<uid_t>> make_worker_folder(const Places& places,
                                                      const std::string& topology,
                                                      std::uint32_t number);

}  // namespace storm::supervisor

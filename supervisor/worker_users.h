// The system's users that workers run as: each topology has one of its own on this host.
//
// The owner of a topology's folder records its user: <storm.local.dir>/workers/<topology> belongs
// to the Supervisor and to the group with the user's number. So the user belongs to this topology
// alone, for as long as any of its files exist, whatever happens to the Supervisor. The number is
// derived from the topology's name. It is the same on all hosts, unless another topology has or had
// it there, and the same when the topology is submitted again, so its workers can share files.
//
// The file "users" records which name was given which user. A topology may have left files in
// folders that are open to all, so after its end its user goes to another name only once every
// other user of the pool was given.
//
//     users              a line each: "70123 wc", the one given longest ago first
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
#include "supervisor/places.h"

namespace storm::supervisor {

/// Lets the users enter, but not list, the folders above the workers' folders. Warns about a folder
/// further up that they cannot enter.
base::Result<base::Done> open_to_users(const Places& places);

/// The user of a topology's workers. Nothing: it has no folder, or no user of its own.
std::optional<uid_t> user_of(const Places& places, const std::string& topology);

/// Makes the folder of worker `number`, and gives it to the topology's user, who is chosen with the
/// topology's first worker. Nothing: workers run as this process's own user.
base::Result<std::optional<uid_t>> make_worker_folder(const Places& places,
                                                      const std::string& topology,
                                                      std::uint32_t number);

}  // namespace storm::supervisor

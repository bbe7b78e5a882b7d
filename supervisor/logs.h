// The files that workers' stdout and stderr go to.
//
// A worker appends straight to its files (O_APPEND), so that it can go on without a Supervisor.
// They are rotated by copying: what is there becomes stderr.1, and is then cut from the file's
// beginning in one step (FALLOC_FL_COLLAPSE_RANGE: nothing is lost that is written meanwhile).
// Where the file system cannot do that (tmpfs), the file is emptied instead, which may lose what is
// written in that moment. Renaming instead would need the worker to open its files anew; a pipe
// through us would end, and kill it, with us.
//
// Threads: any, but one at a time for one file. They block.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "supervisor/places.h"

namespace storm::supervisor {

/// 0: it is not there.
std::uint64_t file_size(const std::string& path);

/// If the file has over four fifths of `bytes_max`: it becomes PATH.1, that one PATH.2, up to
/// PATH.`old`. Of one that has grown to over `bytes_max` meanwhile the first bytes are left out,
/// and a line says so in their place.
base::Result<base::Done> rotate(const std::string& path, std::uint64_t bytes_max, unsigned old);

/// The last lines of what was written from `since` on (which counts for nothing if the file was
/// rotated meanwhile).
std::vector<std::string> last_lines(const std::string& path, std::uint64_t since);

struct LogPart {
    std::string bytes;
    std::uint64_t offset = 0;  ///< Of the first one, in the file.
    std::uint64_t size = 0;    ///< Of the file.
};
/// `stream`: "stdout", "stderr", or an older one as "stderr.1". `offset` < 0: the last `bytes`.
/// Nothing of what is asked for reaches the file system but what has been checked to be an id, a
/// number and a stream; links are not followed. Nothing: there is no such log.
struct LogRequest {
    std::string topology;
    std::uint32_t number = 0;
    std::string stream;
    std::int64_t offset = -1;
    std::uint64_t bytes = 0;
};
base::Result<LogPart> read_log(const Places& places, const LogRequest& wanted);

}  // namespace storm::supervisor

// The files of workers' stdout and stderr.
//
// A worker appends directly to its files (O_APPEND), so it can go on without a Supervisor.
// Rotation copies the content to stderr.1 and cuts it from the beginning of the file in one step
// (FALLOC_FL_COLLAPSE_RANGE), which loses nothing that is written meanwhile. On file systems that
// cannot do that (tmpfs) the file is emptied, which may lose what is written at that moment.
// Renaming would require workers to reopen their files; a pipe through us would break, and kill
// the worker, when we end.
//
// Threads: any, but one at a time per file. Blocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "supervisor/places.h"

namespace storm::supervisor {

/// 0 if it does not exist.
std::uint64_t file_size(const std::string& path);

/// If the file is larger than four fifths of `bytes_max`, it becomes PATH.1, that one PATH.2, up to
/// PATH.`old`. If it is larger than `bytes_max`, its first bytes are dropped, and a line in their
/// place says so.
base::Result<base::Done> rotate(const std::string& path, std::uint64_t bytes_max, unsigned old);

/// The last lines written since offset `since`, which is ignored if the file was rotated meanwhile.
std::vector<std::string> last_lines(const std::string& path, std::uint64_t since);

struct LogPart {
    std::string bytes;
    std::uint64_t offset = 0;  ///< Position of the first byte in the file.
    std::uint64_t size = 0;    ///< Size of the whole file.
};
/// `stream`: "stdout", "stderr", or an older one such as "stderr.1". `offset` < 0: the last
/// `bytes`. Only checked ids, numbers and stream names reach the file system; links are not
/// followed.
struct LogRequest {
    std::string topology;
    std::uint32_t number = 0;
    std::string stream;
    std::int64_t offset = -1;
    std::uint64_t bytes = 0;
};
base::Result<LogPart> read_log(const Places& places, const LogRequest& wanted);

}  // namespace storm::supervisor

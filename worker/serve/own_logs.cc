#include "worker/serve/own_logs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace storm::worker {
namespace {

/// Size of one of the two. A Supervisor cuts them earlier; so what it has not got to is not lost at
/// once.
constexpr std::uint64_t kOwnLogBytesMax = 32ULL * 1024 * 1024;
constexpr std::uint64_t kBlockBytes = 4096;

}  // namespace

void keep_short(int descriptor, std::uint64_t bytes_max) {
    struct stat found {};
    if (::fstat(descriptor, &found) != 0 || !S_ISREG(found.st_mode)) return;
    const auto size = static_cast<std::uint64_t>(found.st_size);
    if (size <= bytes_max) return;
    // Whole blocks can be cut away, but not up to the file's end.
    const std::uint64_t cut = (size - bytes_max / 2) / kBlockBytes * kBlockBytes;
    if (::fallocate(descriptor, FALLOC_FL_COLLAPSE_RANGE, 0, static_cast<off_t>(cut)) == 0) return;
    static_cast<void>(::ftruncate(descriptor, 0) == 0);  // It is ours to write, or it stays.
}

void keep_own_logs_short() {
    keep_short(STDOUT_FILENO, kOwnLogBytesMax);
    keep_short(STDERR_FILENO, kOwnLogBytesMax);
}

}  // namespace storm::worker

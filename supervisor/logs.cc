#include "supervisor/logs.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/files.h"
#include "cluster/limits.h"
#include "cluster/names.h"
#include "supervisor/limits.h"

namespace storm::supervisor {
namespace {

constexpr std::uint64_t kBlockBytes = 4096;
/// Before a file is emptied, newly written data is copied this often.
constexpr int kCatchUpPasses = 3;

std::uint64_t size_of(int fd) {
    struct stat found {};
    return ::fstat(fd, &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

/// Copies the bytes from `begin` to `end`; those that have disappeared are skipped.
base::Result<base::Done> copy_part(int from, int to, std::uint64_t begin, std::uint64_t end) {
    std::string piece(std::size_t{256} * 1024, '\0');
    while (begin < end) {
        const std::size_t wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), end - begin));
        const ssize_t count = ::pread(from, piece.data(), wanted, static_cast<off_t>(begin));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return base::system_error("cannot read");
        if (count == 0) break;
        const auto written = base::write_all(to, {piece.data(), static_cast<std::size_t>(count)});
        if (!written) return written.error();
        begin += static_cast<std::uint64_t>(count);
    }
    return base::Done{};
}

std::string left_out_text(std::uint64_t bytes) {
    return "[storm-supervisor: " + std::to_string(bytes) +
           " bytes came too fast and are left out here]\n";
}

std::string old_name(const std::string& path, unsigned age) {
    return path + '.' + std::to_string(age);
}

void shift_old_ones(const std::string& path, unsigned old) {
    for (unsigned age = old; age > 1; --age) {
        ::rename(old_name(path, age - 1).c_str(), old_name(path, age).c_str());
    }
}

bool is_stream(const std::string& stream) {
    const std::string name = stream.substr(0, stream.find('.'));
    if (name != "stdout" && name != "stderr") return false;
    if (name == stream) return true;
    const std::string age = stream.substr(name.size() + 1);
    return age.size() == 1 && age[0] >= '1' && age[0] <= static_cast<char>('0' + kOldLogs);
}
static_assert(kOldLogs < 10);

base::Descriptor open_below(const base::Descriptor& directory, const std::string& name, int flags) {
    return base::Descriptor(::openat(directory.get(), name.c_str(),
                                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags));
}

}  // namespace

std::uint64_t file_size(const std::string& path) {
    struct stat found {};
    return ::lstat(path.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

/// The worker writes on by the descriptor that it was given, so its file can be neither renamed nor
/// replaced: its beginning is copied, and cut out. Where the file system can collapse a range no
/// byte is lost; elsewhere those are that come between the last copy and the cut. A crash between
/// the cut and the rename leaves the older part under a name that nobody reads.
base::Result<base::Done> rotate(const std::string& path, std::uint64_t bytes_max, unsigned old) {
    const auto refuse = [&path] { return base::system_error("cannot rotate \"" + path + '"'); };
    const base::Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.is_open()) return refuse();
    const std::uint64_t size = size_of(file.get());
    if (size <= bytes_max / 5 * 4) return base::Done{};
    // Only whole blocks can be cut away, and not up to the end of the file; the rest stays.
    const std::uint64_t end = (size - 1) / kBlockBytes * kBlockBytes;
    const std::uint64_t begin = end > bytes_max ? end - bytes_max : 0;
    STORM_CHECK(begin <= end && end < size, "a part at the beginning is cut, never all");

    const std::string partial = path + ".partial";
    ::unlink(partial.c_str());
    const base::Descriptor copy(
        ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!copy.is_open()) return refuse();
    auto copied = begin == 0 ? base::Done{} : base::write_all(copy.get(), left_out_text(begin));
    if (copied) copied = copy_part(file.get(), copy.get(), begin, end);
    const bool cut =
        ::fallocate(file.get(), FALLOC_FL_COLLAPSE_RANGE, 0, static_cast<off_t>(end)) == 0;
    if (!cut) {
        std::uint64_t have = end;
        for (int pass = 0; pass < kCatchUpPasses && copied; ++pass) {
            const std::uint64_t now = size_of(file.get());
            copied = copy_part(file.get(), copy.get(), have, now);
            have = now;
        }
        // Even on a full disk: this file is what fills it.
        if (::ftruncate(file.get(), 0) != 0) return refuse();
    }
    if (!copied) {
        ::unlink(partial.c_str());
        return copied.error();
    }
    // Only now, so that a failed copy costs no older log.
    shift_old_ones(path, old);
    if (::rename(partial.c_str(), old_name(path, 1).c_str()) != 0) return refuse();
    return base::Done{};
}

std::vector<std::string> last_lines(const std::string& path, std::uint64_t since) {
    const base::Descriptor file(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.is_open()) return {};
    const std::uint64_t size = size_of(file.get());
    std::uint64_t begin = size > kLastStderrBytes ? size - kLastStderrBytes : 0;
    const bool from_its_beginning = since <= size && since >= begin;
    if (from_its_beginning) begin = since;
    std::string bytes(static_cast<std::size_t>(size - begin), '\0');
    const ssize_t count =
        ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(begin));
    if (count <= 0) return {};
    bytes.resize(static_cast<std::size_t>(count));

    std::vector<std::string> lines;
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        lines.push_back(bytes.substr(0, end));
        bytes.erase(0, end + 1);
    }
    // The first line is cut off, unless it is the only one.
    if (!from_its_beginning && begin > 0 && lines.size() > 1) lines.erase(lines.begin());
    if (lines.size() > kLastStderrLines) {
        lines.erase(lines.begin(), lines.end() - std::ptrdiff_t{kLastStderrLines});
    }
    return lines;
}

base::Result<LogPart> read_log(const Places& places, const LogRequest& wanted) {
    const base::Error none = {"there is no such log"};
    if (!cluster::is_name(wanted.topology, cluster::kIdBytesMax) || !is_stream(wanted.stream)) {
        return none;
    }
    // The operator may have made the log directory a link; nothing below it may be one.
    const base::Descriptor logs(::open(places.log_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!logs.is_open()) return none;
    const base::Descriptor topology = open_below(logs, wanted.topology, O_DIRECTORY);
    if (!topology.is_open()) return none;
    const base::Descriptor worker =
        open_below(topology, std::to_string(wanted.number), O_DIRECTORY);
    if (!worker.is_open()) return none;
    const base::Descriptor file = open_below(worker, wanted.stream, 0);
    struct stat found {};
    if (!file.is_open() || ::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode)) return none;

    LogPart part;
    part.size = static_cast<std::uint64_t>(found.st_size);
    const std::uint64_t most = std::min<std::uint64_t>(wanted.bytes, kLogAnswerBytesMax);
    part.offset = wanted.offset >= 0
                      ? std::min(static_cast<std::uint64_t>(wanted.offset), part.size)
                      : part.size - std::min(part.size, most);
    part.bytes.resize(static_cast<std::size_t>(std::min(most, part.size - part.offset)));
    const ssize_t count =
        ::pread(file.get(), part.bytes.data(), part.bytes.size(), static_cast<off_t>(part.offset));
    if (count < 0) return base::system_error("cannot read the log");
    part.bytes.resize(static_cast<std::size_t>(count));
    return part;
}

}  // namespace storm::supervisor

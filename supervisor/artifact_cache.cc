#include "supervisor/artifact_cache.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/files.h"
#include "base/log.h"
#include "base/sha256.h"
#include "cluster/limits.h"
#include "cluster/names.h"
#include "net/http_client.h"
#include "supervisor/limits.h"
#include "supervisor/worker_users.h"

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;

/// Linked into workers' directories and executed by users of topologies. Others cannot enter these.
constexpr mode_t kArtifactMode = 0555;
constexpr mode_t kDirectoryMode = 0700;
/// Name of unfinished files in a worker's directory; no artifact can have it.
constexpr const char* kPartial = "/.storm artifact";
/// Begins the names of folders that are to be removed; no topology has such an id.
constexpr const char* kAside = ".removed-";

std::string path_of(const Places& places, const cluster::Artifact& artifact) {
    return places.artifacts() + '/' + artifact.sha256;
}

/// Whether it is there and intact; a corrupt one is deleted.
base::Result<bool> is_there(const Places& places, const cluster::Artifact& artifact) {
    const std::string path = path_of(places, artifact);
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return false;
    const auto sum = base::digest_of_file(path);
    if (!sum) return sum.error();
    if (sum->sha256 == artifact.sha256) {
        // The time of its last use, for put_aside().
        ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
        return true;
    }
    base::log::error("deleting a corrupt artifact",
                     {{"name", artifact.name}, {"path", path}, {"sha256", sum->sha256}});
    if (::unlink(path.c_str()) != 0) return base::system_error("cannot delete \"" + path + '"');
    return false;
}

base::Result<base::Done> copy_file(const std::string& from, const std::string& to, mode_t mode,
                                   std::optional<uid_t> user) {
    const auto refuse = [&] {
        return base::system_error("cannot copy \"" + from + "\" to \"" + to + '"');
    };
    const base::Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!source.is_open()) return refuse();
    // A new file, because the old one may be a link, or still open in an earlier worker.
    ::unlink(to.c_str());
    const base::Descriptor target(
        ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!target.is_open()) return refuse();
    for (;;) {
        const ssize_t count =
            ::copy_file_range(source.get(), nullptr, target.get(), nullptr, kArtifactBytesMax, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return refuse();
        if (count == 0) break;
    }
    if (user && ::fchown(target.get(), *user, *user) != 0) return refuse();
    if (::fchmod(target.get(), mode) != 0) return refuse();
    return base::Done{};
}

base::Result<base::Done> place(const Places& places, const cluster::Artifact& artifact,
                               const std::string& directory, std::optional<uid_t> user,
                               bool is_program) {
    const std::string from = path_of(places, artifact);
    const std::string to = directory + '/' + artifact.name;
    const std::string partial = directory + kPartial;
    ::unlink(partial.c_str());
    // The program is a link to the file that was just checked, which nobody may change. The other
    // artifacts are the worker's own copies.
    if (is_program) {
        // A file made by an earlier version has a mode for us alone.
        if (::chmod(from.c_str(), kArtifactMode) != 0 ||
            ::link(from.c_str(), partial.c_str()) != 0) {
            return base::system_error("cannot link \"" + from + "\" to \"" + to + '"');
        }
    } else {
        const auto copied =
            copy_file(from, partial, static_cast<mode_t>(artifact.mode) & 0777, user);
        if (!copied) {
            ::unlink(partial.c_str());
            return copied.error();
        }
    }
    const bool renamed = ::rename(partial.c_str(), to.c_str()) == 0;
    const base::Error error = base::system_error("cannot put \"" + to + "\" in its place");
    // Needed because rename() does nothing if both names are the same file.
    ::unlink(partial.c_str());
    if (!renamed) return error;
    return base::Done{};
}

std::string short_text(const std::string& body) {
    constexpr std::size_t kShown = 200;
    std::string shown = body.substr(0, kShown);
    std::replace(shown.begin(), shown.end(), '\n', ' ');
    return shown;
}

base::Result<base::Done> download_from(const net::Address& nimbus,
                                       const cluster::Artifact& artifact, const std::string& path) {
    const auto response = net::call(call_for(artifact, nimbus, path));
    if (!response) return response.error();
    if (response->status != 200) {
        return base::Error{"it answers " + std::to_string(response->status) + " (" +
                           short_text(response->body) + ')'};
    }
    const auto sum = base::digest_of_file(path);
    if (!sum) return sum.error();
    // Checked again here: the bytes came over the network.
    if (sum->sha256 != artifact.sha256) {
        return base::Error{"what it sends has SHA-256 " + sum->sha256};
    }
    return base::Done{};
}

base::Result<base::Done> keep(const std::string& downloaded, const std::string& path) {
    const auto refuse = [&path] { return base::system_error("cannot keep \"" + path + '"'); };
    const base::Descriptor file(::open(downloaded.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open() || ::fchmod(file.get(), kArtifactMode) != 0) return refuse();
    // On the disk before it has its name, which tells other threads that it is whole.
    if (::fsync(file.get()) != 0) return refuse();
    if (::rename(downloaded.c_str(), path.c_str()) != 0) return refuse();
    return base::Done{};
}

/// Judged by its last change; false if it is gone.
bool is_older(const fs::path& path, std::chrono::system_clock::time_point since) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) return false;
    return std::chrono::system_clock::from_time_t(found.st_mtime) < since;
}

void remove_logging(const std::string& path) {
    const auto removed = base::remove_tree(path);
    if (!removed) base::log::warn("cannot clean up", {{"why", removed.error().message}});
}

}  // namespace

/// For each start, with its hashes: where workers have no user of their own they can change what
/// they link to, and disks rot. On the thread for files alone, as put_aside() is; downloads may go
/// on meanwhile on theirs.
base::Result<Staged> stage(const Places& places, const cluster::TopologyRecord& topology,
                           std::uint32_t number) {
    STORM_CHECK(!topology.artifacts.empty(), "a record without a program is refused when read");
    Staged staged;
    for (const cluster::Artifact& artifact : topology.artifacts) {
        const auto there = is_there(places, artifact);
        if (!there) return there.error();
        if (!*there) staged.missing.push_back(artifact);
    }
    // The folder comes last: a topology gets its user only once it can be started.
    if (!staged.missing.empty()) return staged;
    const std::string directory = places.worker(topology.id, number);
    const auto made = make_worker_folder(places, topology.id, number);
    if (!made) return made.error();
    staged.user = *made;
    for (const cluster::Artifact& artifact : topology.artifacts) {
        const bool is_program = &artifact == &topology.artifacts.front();
        const auto placed = place(places, artifact, directory, staged.user, is_program);
        if (!placed) return placed.error();
    }
    staged.program = directory + '/' + topology.artifacts.front().name;
    return staged;
}

net::HttpCall call_for(const cluster::Artifact& artifact, const net::Address& nimbus,
                       const std::string& path) {
    net::HttpCall wanted;
    wanted.host = nimbus.host;
    wanted.port = nimbus.port;
    wanted.target = "/api/v1/blobs/" + artifact.sha256;
    wanted.save_file = path;
    wanted.save_bytes_max = artifact.bytes;
    wanted.deadline = net::file_deadline(artifact.bytes);
    return wanted;
}

/// Several threads may bring the same file. Each writes one of its own, and the last rename() wins
/// with the same bytes.
base::Result<base::Done> download(const Places& places, const cluster::Artifact& artifact,
                                  const std::vector<net::Address>& nimbuses) {
    const std::string path = path_of(places, artifact);
    if (::access(path.c_str(), F_OK) == 0) return base::Done{};  // Downloaded for another worker.
    const std::string what = "cannot download artifact \"" + artifact.name + '"';
    const auto made = base::make_directory(places.artifacts(), kDirectoryMode);
    if (!made) return made.error();
    std::string said;
    for (std::size_t i = 0; i < std::min(nimbuses.size(), kNimbusTries); ++i) {
        // Another thread may download the same for another topology.
        const std::string partial = path + ".download-" + std::to_string(::gettid());
        ::unlink(partial.c_str());
        auto done = download_from(nimbuses[i], artifact, partial);
        if (done) done = keep(partial, path);
        if (done) return done;
        ::unlink(partial.c_str());
        said += (said.empty() ? "" : "; ") + to_string(nimbuses[i]) + ": " + done.error().message;
    }
    if (said.empty()) said = "no Nimbus is known (set nimbus.seeds)";
    return base::Error{what + ": " + said};
}

/// Renaming is quick, and ends what others can find; removing what was renamed may take minutes,
/// and may be interrupted: the next round finds the names again.
std::vector<std::string> put_aside(const Places& places, const InUse& in_use,
                                   std::chrono::system_clock::time_point now) {
    std::error_code ended;
    for (fs::directory_iterator file(places.artifacts(), ended), none; file != none;
         file.increment(ended)) {
        const std::string name = file->path().filename().string();
        // A name with a '.' is that of an unfinished download.
        const bool is_artifact = name.find('.') == std::string::npos;
        if (is_artifact && (!in_use.artifacts || in_use.artifacts->contains(name))) continue;
        if (is_older(file->path(), now - kUnusedArtifactAge)) remove_logging(file->path().string());
    }
    std::vector<std::string> aside;
    for (const std::string& parent : {places.workers(), places.log_dir}) {
        std::error_code inner;
        for (fs::directory_iterator topology(parent, inner), none; topology != none;
             topology.increment(inner)) {
            const std::string id = topology->path().filename().string();
            if (id.starts_with(kAside)) aside.push_back(topology->path().string());
            if (!cluster::is_name(id, cluster::kIdBytesMax)) continue;
            if (in_use.topologies.contains(id)) {  // Its age begins when it has left this host.
                ::utimensat(AT_FDCWD, topology->path().c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
                continue;
            }
            if (!is_older(topology->path(), now - kOldWorkerAge)) continue;
            std::string renamed = parent;
            renamed.append("/").append(kAside).append(id);
            // If that name is taken, what has it is removed first.
            if (::rename(topology->path().c_str(), renamed.c_str()) == 0) aside.push_back(renamed);
        }
    }
    // A folder that was renamed may have been listed again.
    std::sort(aside.begin(), aside.end());
    aside.erase(std::unique(aside.begin(), aside.end()), aside.end());
    return aside;
}

void remove_all(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) remove_logging(path);
}

}  // namespace storm::supervisor

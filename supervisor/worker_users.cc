#include "supervisor/worker_users.h"

#include <filesystem>
#include <set>
#include <sstream>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/files.h"
#include "base/log.h"
#include "supervisor/limits.h"

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOwnMode = 0700;
constexpr mode_t kSecretMode = 0600;
constexpr mode_t kUsersFolderMode = 0711;
constexpr mode_t kTopologyMode = 0710;

base::Error cannot_give(const std::string& path) {
    return base::system_error("cannot give \"" + path + "\" to the user of its topology");
}

/// The user whose group the folder has; nothing: there is no folder, or no such user.
std::optional<uid_t> user_of(const std::string& path, const UserIds& users) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) return std::nullopt;
    if (!users.has(found.st_gid)) return std::nullopt;
    return found.st_gid;
}

/// "wc" from "wc-3-1764161000", as Nimbus makes ids; otherwise the whole id.
std::string name_of(const std::string& topology) {
    std::string name = topology;
    for (int i = 0; i < 2; ++i) {
        const std::size_t dash = name.rfind('-');
        const bool is_number = dash != std::string::npos && dash + 1 < name.size() &&
                               name.find_first_not_of("0123456789", dash + 1) == std::string::npos;
        if (!is_number) return topology;
        name.resize(dash);
    }
    return name;
}

/// FNV-1a, which is the same on all hosts and in all versions.
std::uint32_t hash_of(const std::string& name) {
    std::uint32_t hash = 2'166'136'261U;
    for (const char letter : name) {
        hash = (hash ^ static_cast<unsigned char>(letter)) * 16'777'619U;
    }
    return hash;
}

/// A user, and the name of the topology that got it.
struct Given {
    uid_t user = 0;
    std::string name;
};

/// Oldest first. What cannot be read is not as good as none: a user would go to another name while
/// files of the first are still somewhere.
base::Result<std::vector<Given>> given_in(const std::string& path) {
    std::vector<Given> given;
    const auto text = base::read_small_file_if_any(path, kGivenUsersBytesMax);
    if (!text) return text.error();
    std::istringstream lines(text->value_or(""));
    for (Given each; lines >> each.user >> each.name;) given.push_back(each);
    if (lines.eof()) return given;
    return base::Error{"cannot read \"" + path + "\": line " + std::to_string(given.size() + 1) +
                       " is not a user id and a topology's name; mend it, or remove the file if no "
                       "files of former topologies are left on this host"};
}

base::Result<base::Done> write_given(const std::string& path, const std::vector<Given>& given) {
    std::string text;
    for (const Given& each : given) text += std::to_string(each.user) + ' ' + each.name + '\n';
    // The oldest go, which are the first to be given anew: it must be possible to read it again.
    while (text.size() > kGivenUsersBytesMax) text.erase(0, text.find('\n') + 1);
    return base::write_whole_file(path, text, kSecretMode);
}

/// The users of topologies with other names that have a folder.
std::set<uid_t> taken_from(const std::string& name, const Places& places, const UserIds& users) {
    std::set<uid_t> taken;
    std::error_code ended;
    for (fs::directory_iterator other(places.workers(), ended), none; other != none;
         other.increment(ended)) {
        // An earlier submission of this topology.
        if (name_of(other->path().filename().string()) == name) continue;
        if (const auto user = user_of(other->path().string(), users)) taken.insert(*user);
    }
    return taken;
}

/// Prefers the user that the name had before, then one that no name had, then the one given to
/// another name longest ago.
std::optional<uid_t> free_user(const std::string& name, const UserIds& users,
                               const std::set<uid_t>& taken, const std::vector<Given>& given) {
    std::set<uid_t> known;
    for (const Given& each : given) {
        if (each.name == name && users.has(each.user) && !taken.contains(each.user)) {
            return each.user;
        }
        known.insert(each.user);
    }
    const uid_t count = users.last - users.first + 1;
    STORM_CHECK(count > 0, "the pool has a user");
    const uid_t begin = hash_of(name) % count;
    for (uid_t i = 0; i < count; ++i) {
        const uid_t user = users.first + (begin + i) % count;
        if (!taken.contains(user) && !known.contains(user)) return user;
    }
    for (const Given& each : given) {
        if (users.has(each.user) && !taken.contains(each.user)) return each.user;
    }
    return std::nullopt;
}

/// Without a lock: only stage() comes here, on the one thread for files.
base::Result<uid_t> give_user(const Places& places, const std::string& topology,
                              const UserIds& users) {
    const std::string name = name_of(topology);
    auto read = given_in(places.given_users());
    if (!read) return read.error();
    std::vector<Given> given = std::move(read).value();
    const auto user = free_user(name, users, taken_from(name, places, users), given);
    if (!user) {
        return base::Error{"each of the " + std::to_string(users.last - users.first + 1) +
                           " users of supervisor.worker.user.ids has a topology in \"" +
                           places.workers() +
                           "\"; those of old ones are free a day after their end; name more"};
    }
    STORM_CHECK(users.has(*user), "a user outside of the pool may be somebody's on this host");
    std::erase_if(given, [&](const Given& each) {
        return each.user == *user || each.name == name || !users.has(each.user);
    });
    given.push_back({*user, name});
    // Before the folder is made: a user that was used but not noted could go to another name while
    // the first one's files are still there.
    const auto written = write_given(places.given_users(), given);
    if (!written) return written.error();
    return *user;
}

/// Sets owner and mode of a folder. Without `group` it keeps its group.
base::Result<base::Done> give(const std::string& path, uid_t owner, std::optional<gid_t> group,
                              mode_t mode) {
    const base::Descriptor folder(
        ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat found {};
    if (!folder.is_open() || ::fstat(folder.get(), &found) != 0) return cannot_give(path);
    // Only if it changes anything: without root we may not.
    const gid_t wanted_group = group.value_or(found.st_gid);
    const bool is_so = found.st_uid == owner && found.st_gid == wanted_group;
    if (!is_so && ::fchown(folder.get(), owner, wanted_group) != 0) return cannot_give(path);
    if ((found.st_mode & 07777) != mode && ::fchmod(folder.get(), mode) != 0) {
        return cannot_give(path);
    }
    return base::Done{};
}

void warn_of_closed_parents(const std::string& path) {
    for (fs::path parent = fs::path(path).parent_path(); parent != parent.root_path();
         parent = parent.parent_path()) {
        struct stat found {};
        if (::stat(parent.c_str(), &found) != 0 || (found.st_mode & S_IXOTH) != 0) continue;
        base::log::warn(
            "workers reach their folders by relative paths only: they cannot enter one "
            "above",
            {{"folder", parent.string()}, {"setting", "storm.local.dir"}});
        return;
    }
}

}  // namespace

base::Result<base::Done> open_to_users(const Places& places) {
    struct stat found {};
    if (::stat(places.local_dir.c_str(), &found) != 0 ||
        ::chmod(places.local_dir.c_str(), (found.st_mode & 07777) | S_IXGRP | S_IXOTH) != 0 ||
        ::chmod(places.workers().c_str(), kUsersFolderMode) != 0) {
        return base::system_error("cannot let workers into \"" + places.local_dir + '"');
    }
    // Folders that are ours alone. An earlier Supervisor may have run as another user.
    for (const std::string& own : {places.artifacts(), places.log_dir}) {
        const auto made = base::make_directory(own, kOwnMode);
        if (!made) return made.error();
    }
    if (::chmod(places.artifacts().c_str(), kOwnMode) != 0) {
        return base::system_error("cannot close \"" + places.artifacts() + '"');
    }
    warn_of_closed_parents(places.local_dir);
    return base::Done{};
}

std::optional<uid_t> user_of(const Places& places, const std::string& topology) {
    if (!places.users) return std::nullopt;
    return user_of(places.topology(topology), *places.users);
}

base::Result<std::optional<uid_t>> make_worker_folder(const Places& places,
                                                      const std::string& topology,
                                                      std::uint32_t number) {
    const std::string parent = places.topology(topology);
    const std::string folder = places.worker(topology, number);
    std::optional<uid_t> user;
    if (places.users) {
        user = user_of(parent, *places.users);
        if (!user) {
            const auto chosen = give_user(places, topology, *places.users);
            if (!chosen) return chosen.error();
            user = *chosen;
        }
    }
    // Closed until it has its owner, and the topology's folder first: its group records the user.
    const auto made = base::make_directory(folder, kOwnMode);
    if (!made) return made.error();
    const uid_t self = ::geteuid();
    const auto parent_given = give(parent, self, user, user ? kTopologyMode : kOwnMode);
    if (!parent_given) return parent_given.error();
    const auto given = give(folder, user.value_or(self), user, kOwnMode);
    if (!given) return given.error();
    return user;
}

}  // namespace storm::supervisor

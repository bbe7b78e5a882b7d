#include "supervisor/leftovers.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "supervisor/limits.h"

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;

/// Whether a variable is in /proc/PID/environ, between two zeros.
bool has_variable(std::string_view environment, const std::string& variable) {
    const std::size_t at = environment.find(variable);
    if (at == std::string_view::npos) return false;
    const std::size_t end = at + variable.size();
    const bool begins = at == 0 || environment[at - 1] == '\0';
    const bool ends = end == environment.size() || environment[end] == '\0';
    return begins && ends;
}

std::string environment_of(pid_t pid) {
    auto read =
        base::read_small_file("/proc/" + std::to_string(pid) + "/environ", kEnvironmentBytesMax);
    return read ? std::move(read).value() : std::string();
}

/// Its real user. Nothing: it is not there, or has ended and is only waited for.
std::optional<uid_t> user_of(pid_t pid) {
    const auto status =
        base::read_small_file("/proc/" + std::to_string(pid) + "/status", kEnvironmentBytesMax);
    if (!status || status->find("\nState:\tZ") != std::string::npos) return std::nullopt;
    constexpr std::string_view kUser = "\nUid:\t";
    const std::size_t at = status->find(kUser);
    if (at == std::string::npos) return std::nullopt;
    const char* const digits = status->data() + at + kUser.size();
    uid_t user = 0;
    const auto [end, error] = std::from_chars(digits, status->data() + status->size(), user);
    if (error != std::errc()) return std::nullopt;
    return user;
}

std::vector<pid_t> processes() {
    std::vector<pid_t> all;
    std::error_code ended;
    for (fs::directory_iterator entry("/proc", ended), none; entry != none;
         entry.increment(ended)) {
        const std::string name = entry->path().filename().string();
        pid_t pid = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (error != std::errc() || end != name.data() + name.size() || pid == ::getpid()) continue;
        all.push_back(pid);
    }
    return all;
}

class Search {
public:
    explicit Search(const WorkerMarks& worker)
        : variables_{"STORM_TOPOLOGY_ID=" + worker.topology,
                     "STORM_WORKER=" + std::to_string(worker.number),
                     "STORM_WORKER_PORT=" + std::to_string(worker.port)},
          // A session keeps its leader's pid reserved while any member lives. If a process has that
          // pid now, the session is over and the pid was reused.
          session_(worker.pid > 0 && ::kill(worker.pid, 0) != 0 ? worker.pid : 0),
          user_(worker.user) {}

    bool finds(pid_t pid) const {
        if (session_ > 0 && ::getsid(pid) == session_) return true;
        return has_all_marks(environment_of(pid)) || (by_user_ && user_of(pid) == user_);
    }

    /// From now on also by the user, if no other worker of this host is his.
    void look_at_users() {
        if (!user_) return;
        const std::vector<pid_t> all = processes();
        by_user_ = std::none_of(all.begin(), all.end(), [this](pid_t pid) {
            return user_of(pid) == user_ && is_of_another(environment_of(pid));
        });
    }

private:
    bool has_all_marks(const std::string& environment) const {
        return std::all_of(variables_.begin(), variables_.end(), [&](const std::string& each) {
            return has_variable(environment, each);
        });
    }
    bool is_of_another(const std::string& environment) const {
        return environment.find("STORM_WORKER_PORT=") != std::string::npos &&
               !has_all_marks(environment);
    }

    const std::vector<std::string> variables_;
    const pid_t session_;
    const std::optional<uid_t> user_;
    bool by_user_ = false;
};

std::vector<base::Descriptor> kill_once(const Search& search) {
    std::vector<base::Descriptor> killed;
    for (const pid_t pid : processes()) {
        if (!search.finds(pid)) continue;
        // Checked again: a pidfd never comes to mean another process.
        base::Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        if (!pidfd.is_open() || !search.finds(pid)) continue;
        if (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) != 0) continue;
        killed.push_back(std::move(pidfd));
    }
    return killed;
}

}  // namespace

std::size_t end_leftovers(const WorkerMarks& worker) {
    Search search(worker);
    search.look_at_users();
    const base::SteadyClock clock;
    const Micros until = clock.now() + kLeftoverPatience;
    std::size_t count = 0;
    for (int pass = 0; pass < kLeftoverPasses; ++pass) {
        // A killed process may have started another one just before, so search until none is left.
        const std::vector<base::Descriptor> killed = kill_once(search);
        if (killed.empty()) break;
        count += killed.size();
        for (const base::Descriptor& each : killed) {
            pollfd waiting = {each.get(), POLLIN, 0};
            const Micros left = std::max<Micros>(0, until - clock.now());
            static_cast<void>(::poll(&waiting, 1, static_cast<int>(left / kMicrosPerMilli)));
        }
    }
    return count;
}

}  // namespace storm::supervisor

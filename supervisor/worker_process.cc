#include "supervisor/worker_process.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "cluster/worker_protocol.h"
#include "supervisor/limits.h"

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kLogMode = 0640;

/// Field 22 of /proc/PID/stat; nothing: there is no such process.
std::optional<std::uint64_t> start_time_of(pid_t pid) {
    const auto stat =
        base::read_small_file("/proc/" + std::to_string(pid) + "/stat", kSmallFileBytesMax);
    if (!stat) return std::nullopt;
    // The second field is the program's name in brackets, which may hold anything.
    std::size_t at = stat->rfind(')');
    if (at == std::string::npos) return std::nullopt;
    constexpr int kFieldsAfterName = 20;
    for (int i = 0; i < kFieldsAfterName && at != std::string::npos; ++i) {
        at = stat->find(' ', at + 1);
    }
    if (at == std::string::npos) return std::nullopt;
    std::uint64_t ticks = 0;
    const char* const begin = stat->data() + at + 1;
    if (std::from_chars(begin, stat->data() + stat->size(), ticks).ec != std::errc()) {
        return std::nullopt;
    }
    return ticks;
}

base::Descriptor open_pidfd(pid_t pid) {
    return base::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

base::Result<base::Descriptor> memory_file(const std::string& bytes) {
    base::Descriptor file(::memfd_create("storm-bootstrap", MFD_CLOEXEC));
    if (!file.is_open()) return base::system_error("cannot make a memory file");
    const auto written = base::write_all(file.get(), bytes);
    if (!written) return written.error();
    if (::lseek(file.get(), 0, SEEK_SET) != 0)
        return base::system_error("cannot rewind a memory file");
    return file;
}

base::Result<base::Descriptor> open_log(const std::string& path) {
    base::Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kLogMode));
    if (!file.is_open()) return base::system_error("cannot open \"" + path + '"');
    return file;
}

std::vector<std::string> environment(const Launch& launch) {
    std::vector<std::string> made = {"STORM_TOPOLOGY_ID=" + launch.topology,
                                     "STORM_WORKER=" + std::to_string(launch.number),
                                     "STORM_WORKER_PORT=" + std::to_string(launch.port)};
    for (const char* const name : {"PATH", "HOME", "LANG", "TZ"}) {
        const char* const value = std::getenv(name);
        if (value != nullptr) made.push_back(std::string(name) + '=' + value);
    }
    return made;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> made;
    made.reserve(texts.size() + 1);
    for (std::string& text : texts) made.push_back(text.data());
    made.push_back(nullptr);
    return made;
}

/// posix_spawn's attributes and file actions, which are freed at the end.
class Spawn {
public:
    Spawn() {
        check_(::posix_spawnattr_init(&attributes_));
        check_(::posix_spawn_file_actions_init(&actions_));
        sigset_t none, all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        check_(::posix_spawnattr_setsigmask(&attributes_, &none));
        check_(::posix_spawnattr_setsigdefault(&attributes_, &all));
        check_(::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    }
    Spawn(const Spawn&) = delete;
    Spawn& operator=(const Spawn&) = delete;
    ~Spawn() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }

    void redirect(int from, int to) {
        check_(::posix_spawn_file_actions_adddup2(&actions_, from, to));
    }
    void change_directory(const std::string& path) {
        check_(::posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()));
    }
    void close_from(int fd) { check_(::posix_spawn_file_actions_addclosefrom_np(&actions_, fd)); }
    /// errno, or 0.
    int run(pid_t& pid, const std::string& program, std::vector<std::string> arguments,
            std::vector<std::string> variables) const {
        return ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_,
                             pointers(arguments).data(), pointers(variables).data());
    }

private:
    static void check_(int error) { STORM_CHECK(error == 0, "these fail without memory only"); }

    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
};

}  // namespace

base::Result<base::Done> harden() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) {
        return base::system_error("cannot give up new privileges");
    }
    const rlimit none = {0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0)
        return base::system_error("cannot turn core files off");
    return base::Done{};
}

std::string Exit::text() const {
    if (!known) return "ended";
    if (signal == 0) return "exited with code " + std::to_string(code);
    const char* const name = ::sigabbrev_np(signal);
    return "killed by signal " + std::to_string(signal) +
           (name == nullptr ? std::string() : " (SIG" + std::string(name) + ')');
}

base::Result<WorkerProcess> WorkerProcess::start(const Launch& launch) {
    const auto nothing = base::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing.is_open()) return base::system_error("cannot open /dev/null");
    const auto out = open_log(launch.stdout_path);
    if (!out) return out.error();
    const auto err = open_log(launch.stderr_path);
    if (!err) return err.error();
    const auto bootstrap = memory_file(launch.bootstrap);
    if (!bootstrap) return bootstrap.error();

    Spawn spawn;
    // Out of the way of those that are redirected before it.
    constexpr int kAside = 10;
    const base::Descriptor aside(::fcntl(bootstrap->get(), F_DUPFD_CLOEXEC, kAside));
    if (!aside.is_open()) return base::system_error("cannot duplicate a descriptor");
    spawn.redirect(nothing.get(), STDIN_FILENO);
    spawn.redirect(out->get(), STDOUT_FILENO);
    spawn.redirect(err->get(), STDERR_FILENO);
    spawn.redirect(aside.get(), cluster::kBootstrapDescriptor);
    spawn.close_from(cluster::kBootstrapDescriptor + 1);
    spawn.change_directory(launch.directory);

    const std::string name = fs::path(launch.program).filename().string();
    pid_t pid = 0;
    errno = spawn.run(pid, launch.program, {name, "--worker"}, environment(launch));
    if (errno != 0) return base::system_error("cannot execute \"" + launch.program + '"');
    // It is our child: its pid is its own until we reap it.
    base::Descriptor pidfd = open_pidfd(pid);
    if (!pidfd.is_open()) {
        const base::Error error = base::system_error("cannot watch process " + std::to_string(pid));
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return error;
    }
    return WorkerProcess(pid, std::move(pidfd), start_time_of(pid).value_or(0));
}

std::optional<WorkerProcess> WorkerProcess::find(pid_t pid, std::uint64_t start_time) {
    if (pid <= 0) return std::nullopt;
    base::Descriptor pidfd = open_pidfd(pid);
    if (!pidfd.is_open()) return std::nullopt;
    // In this order: what the descriptor stands for cannot become another process any more.
    if (start_time_of(pid) != start_time) return std::nullopt;
    WorkerProcess found(pid, std::move(pidfd), start_time);
    if (found.has_ended()) {
        found.reap();  // A zombie, if we are the first process of a container.
        return std::nullopt;
    }
    return found;
}

std::optional<WorkerProcess> WorkerProcess::find_in(const std::string& directory) {
    std::error_code ended;
    for (fs::directory_iterator entry("/proc", ended), none; entry != none;
         entry.increment(ended)) {
        const std::string name = entry->path().filename().string();
        pid_t pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc())
            continue;
        std::error_code unreadable;
        const fs::path program = fs::read_symlink(entry->path() / "exe", unreadable);
        if (unreadable || program.parent_path() != directory) continue;
        // Not its children, which share its session.
        if (::getsid(pid) != pid) continue;
        const auto start_time = start_time_of(pid);
        if (!start_time) continue;
        if (auto found = find(pid, *start_time)) return found;
    }
    return std::nullopt;
}

void WorkerProcess::signal(int number) const {
    static_cast<void>(::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0));
}

bool WorkerProcess::has_ended() const {
    pollfd waiting = {pidfd_.get(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) > 0;
}

Exit WorkerProcess::reap() {
    siginfo_t how{};
    const auto pidfd = static_cast<id_t>(pidfd_.get());
    if (::waitid(P_PIDFD, pidfd, &how, WEXITED | WNOHANG | WNOWAIT) != 0 || how.si_pid == 0) {
        return {};
    }
    // It is not reaped yet, so that its number, which is that of its group, is nobody else's.
    ::kill(-pid_, SIGKILL);
    ::waitid(P_PIDFD, pidfd, &how, WEXITED | WNOHANG);
    if (how.si_code == CLD_EXITED) return {.known = true, .code = how.si_status};
    return {.known = true, .signal = how.si_status};
}

}  // namespace storm::supervisor

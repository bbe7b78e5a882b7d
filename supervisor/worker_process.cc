#include "supervisor/worker_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "cluster/worker_protocol.h"
#include "supervisor/limits.h"
#include "supervisor/process_table.h"

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kLogMode = 0640;
/// The umask of workers: their files are closed to others.
constexpr mode_t kOthersNothing = 077;
constexpr unsigned kCloseOnExec = 1U << 2;  // CLOSE_RANGE_CLOEXEC, since Linux 5.11.
constexpr int kNotExecuted = 127;
constexpr std::string_view kOomScore = "500";

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

/// User code may have replaced its log with a FIFO, which would block us, a link or a device; that
/// is removed. `user` becomes the owner, so that the worker can open /dev/stderr. The directory
/// does not belong to that user.
base::Result<base::Descriptor> open_log(const std::string& path, std::optional<uid_t> user) {
    struct stat found {};
    for (int tries = 0; tries < 2; ++tries) {
        base::Descriptor file(
            ::open(path.c_str(),
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kLogMode));
        const bool is_file =
            file.is_open() && ::fstat(file.get(), &found) == 0 && S_ISREG(found.st_mode);
        if (is_file && user && ::fchown(file.get(), *user, *user) != 0) {
            return base::system_error("cannot give \"" + path + "\" to the user of its topology");
        }
        if (is_file) return file;
        // A FIFO without a reader, or a link.
        const bool is_other = file.is_open() || errno == ENXIO || errno == ELOOP;
        if (!is_other || ::unlink(path.c_str()) != 0) break;
    }
    return base::system_error("cannot open \"" + path + '"');
}

/// Makes the kernel prefer a worker to its Supervisor when memory runs out.
void offer_to_the_kernel(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/oom_score_adj";
    const base::Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    // The process may have ended already, and there may be no /proc.
    if (!file.is_open() || !base::write_all(file.get(), kOomScore)) return;
}

std::vector<std::string> environment(const Launch& launch) {
    std::vector<std::string> made = {
        "STORM_TOPOLOGY_ID=" + launch.topology, "STORM_WORKER=" + std::to_string(launch.number),
        "STORM_WORKER_PORT=" + std::to_string(launch.port), "STORM_SUPERVISOR_HOME=" + launch.home};
    for (const char* const name : {"PATH", "HOME", "LANG", "TZ"}) {
        const char* value = std::getenv(name);
        // Our home is not for another user.
        const bool is_home = std::strcmp(name, "HOME") == 0;
        if (is_home && launch.confinement.user) value = launch.directory.c_str();
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

// ---- Between fork() and exec: only system calls, because other threads may have held locks

/// The child's needs, prepared before fork().
struct Child {
    std::array<int, 4> descriptors{};  ///< Become 0 to 3; each is above 3.
    int directory = -1;
    int complaints = -1;  ///< The child writes here why it could not execute.
    const char* program = nullptr;
    char* const* arguments = nullptr;
    char* const* variables = nullptr;
    const Confinement* confinement = nullptr;
};

/// Its message. The step is kNone if it was not confine() that failed.
using Complaint = Stumble;

void forget_signals() noexcept {
    struct sigaction otherwise {};
    otherwise.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) ::sigaction(number, &otherwise, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool arrange(const Child& child) noexcept {
    if (::setsid() < 0 || ::fchdir(child.directory) != 0) return false;
    for (std::size_t i = 0; i < child.descriptors.size(); ++i) {
        if (::dup2(child.descriptors[i], static_cast<int>(i)) < 0) return false;
    }
    // Closed at exec, because errors are reported through one of them until then. Our own are
    // close-on-exec anyway; this is for those that libraries have opened.
    ::syscall(SYS_close_range, unsigned{cluster::kBootstrapDescriptor} + 1, ~0U, kCloseOnExec);
    ::umask(kOthersNothing);
    return true;
}

[[noreturn]] void become_worker(const Child& child) noexcept {
    Complaint why;
    // First: a handler of ours that ran here would run in the child with the Supervisor's memory.
    forget_signals();
    if (arrange(child)) {
        why = confine(*child.confinement);
        if (why.step == Stumble::Step::kNone) {
            ::execve(child.program, child.arguments, child.variables);
            why.error = errno;
        }
    } else {
        why.error = errno;
    }
    static_cast<void>(::write(child.complaints, &why, sizeof(why)) > 0);
    ::_exit(kNotExecuted);
}

// ----

/// Above the descriptors that a child arranges.
base::Descriptor aside(int descriptor) {
    constexpr int kAside = 10;
    return base::Descriptor(::fcntl(descriptor, F_DUPFD_CLOEXEC, kAside));
}

/// Nothing: the program was executed.
std::optional<base::Error> complaint_in(int pipe, const std::string& program) {
    Complaint why;
    ssize_t count = 0;
    do {
        count = ::read(pipe, &why, sizeof(why));
    } while (count < 0 && errno == EINTR);
    if (count == 0) return std::nullopt;
    if (count != ssize_t{sizeof(why)}) why.error = EIO;
    errno = why.error;
    if (why.step != Stumble::Step::kNone) {
        return base::system_error(std::string("a worker ") + to_text(why.step));
    }
    const base::Error error = base::system_error("cannot execute \"" + program + '"');
    if (why.error != EAGAIN) return error;
    return base::Error{error.message + ": its user has as many processes as it may " +
                       "(supervisor.worker.max.processes)"};
}

}  // namespace

base::Result<base::Done> harden() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) {
        return base::system_error("cannot give up new privileges");
    }
    const rlimit none = {0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0)
        return base::system_error("cannot turn core files off");
    // Otherwise the code of topologies could read the token here if it runs as the same user.
    if (::prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) != 0) {
        return base::system_error("cannot close this process to others");
    }
    return base::Done{};
}

std::string Exit::text() const {
    if (!known) return "ended";
    if (signal == 0) return "exited with code " + std::to_string(code);
    const char* const name = ::sigabbrev_np(signal);
    return std::string(cluster::kKilledBy) + "signal " + std::to_string(signal) +
           (name == nullptr ? std::string() : " (SIG" + std::string(name) + ')');
}

base::Result<WorkerProcess> WorkerProcess::start(const Launch& launch) {
    const auto nothing = base::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing.is_open()) return base::system_error("cannot open /dev/null");
    const auto out = open_log(launch.stdout_path, launch.confinement.user);
    if (!out) return out.error();
    const auto err = open_log(launch.stderr_path, launch.confinement.user);
    if (!err) return err.error();
    const auto bootstrap = memory_file(launch.bootstrap);
    if (!bootstrap) return bootstrap.error();
    const base::Descriptor directory(
        ::open(launch.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.is_open()) return base::system_error("cannot open \"" + launch.directory + '"');
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return base::system_error("cannot make a pipe");
    const base::Descriptor complaints(pipe[0]);
    base::Descriptor pipe_end(pipe[1]);

    std::array<base::Descriptor, 6> asides = {aside(nothing.get()),   aside(out->get()),
                                              aside(err->get()),      aside(bootstrap->get()),
                                              aside(directory.get()), aside(pipe_end.get())};
    for (const base::Descriptor& each : asides) {
        if (!each.is_open()) return base::system_error("cannot duplicate a descriptor");
        STORM_CHECK(each.get() > cluster::kBootstrapDescriptor,
                    "the child moves its descriptors over none that it still needs");
    }
    pipe_end.reset();
    const std::string name = fs::path(launch.program).filename().string();
    // Relative, because the worker may not be able to reach it from the root.
    const std::string program = "./" + name;
    std::vector<std::string> arguments = {name, "--worker"};
    std::vector<std::string> variables = environment(launch);
    const std::vector<char*> argument_pointers = pointers(arguments);
    const std::vector<char*> variable_pointers = pointers(variables);
    const Child child = {
        .descriptors = {asides[0].get(), asides[1].get(), asides[2].get(), asides[3].get()},
        .directory = asides[4].get(),
        .complaints = asides[5].get(),
        .program = program.c_str(),
        .arguments = argument_pointers.data(),
        .variables = variable_pointers.data(),
        .confinement = &launch.confinement};
    const pid_t pid = ::fork();
    if (pid < 0) return base::system_error("cannot fork");
    if (pid == 0) become_worker(child);
    // Our end, before the pipe is read: with it open the read would never end.
    asides[5].reset();
    std::optional<base::Error> error = complaint_in(complaints.get(), launch.program);
    // It is our child, so its pid stays its own until we reap it.
    base::Descriptor pidfd = open_pidfd(pid);
    if (!error && !pidfd.is_open()) {
        error = base::system_error("cannot watch process " + std::to_string(pid));
    }
    if (error) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return *error;
    }
    offer_to_the_kernel(pid);
    return WorkerProcess(pid, std::move(pidfd), start_time_of(pid).value_or(0));
}

std::optional<WorkerProcess> WorkerProcess::find(pid_t pid, std::uint64_t start_time) {
    if (pid <= 0) return std::nullopt;
    base::Descriptor pidfd = open_pidfd(pid);
    if (!pidfd.is_open()) return std::nullopt;
    // Checked after the pidfd is open: a pidfd never comes to mean another process.
    if (start_time_of(pid) != start_time) return std::nullopt;
    WorkerProcess found(pid, std::move(pidfd), start_time);
    if (found.has_ended()) {
        found.reap();  // A zombie, if we are the first process of a container.
        return std::nullopt;
    }
    return found;
}

/// For a Supervisor that was killed between fork() and the second write of the state. Nobody else
/// executes programs from a worker's folder as the leader of a session, unless the worker itself
/// does.
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
        // Children of the worker share its session, so they are not leaders.
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
    return ends_within(0);
}

bool WorkerProcess::ends_within(Micros patience) const {
    constexpr Micros kNearly = kMicrosPerMilli - 1;  // Rounded up.
    pollfd waiting = {pidfd_.get(), POLLIN, 0};
    const Micros left = std::max<Micros>(0, patience + kNearly);
    return ::poll(&waiting, 1, static_cast<int>(left / kMicrosPerMilli)) > 0;
}

Exit WorkerProcess::reap() {
    siginfo_t how{};
    const auto pidfd = static_cast<id_t>(pidfd_.get());
    // A worker that was adopted is not our child: init has its status, and nothing is known of how
    // it ended.
    if (::waitid(P_PIDFD, pidfd, &how, WEXITED | WNOHANG | WNOWAIT) != 0 || how.si_pid == 0) {
        return {};
    }
    // Not reaped yet, so the number of its group is still its own.
    STORM_CHECK(pid_ > 1, "our own child leads this group; other numbers would mean all processes");
    ::kill(-pid_, SIGKILL);
    ::waitid(P_PIDFD, pidfd, &how, WEXITED | WNOHANG);
    if (how.si_code == CLD_EXITED) return {.known = true, .code = how.si_status};
    return {.known = true, .signal = how.si_status};
}

}  // namespace storm::supervisor

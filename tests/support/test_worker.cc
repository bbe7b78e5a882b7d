// A worker without an engine: it keeps the worker's side of cluster/worker_protocol.h, and
// misbehaves when the topology's setting "test.mode" asks for it.
//
//     run       reports each 100 ms, drains when it is told to, connects again after a loss
//     crash     writes three lines to stderr and exits with code 3
//     leave     exits with code 0 though it has not finished
//     fenced    exits with cluster::kExitFenced
//     abort     reports, and aborts after 50 ms
//     mute      never connects
//     silent    reports once, and never again
//     deaf      ignores Stop and SIGTERM
//     slow      takes two seconds to drain
//     finish    reports kFinished and exits with code 0
//     fail      reports kFailed with a reason, and exits with code 1
//     litter    starts a program in a session of its own, and one in its own, and runs
//     escape    starts a program that has given up session and environment, and runs
//     bare      overwrites its environment, as setproctitle() does, and runs
//     flood     writes lines to stderr as fast as it can
//     look      as run; before, it tries what it may not, and notes in "look" what came of it
//     eat       allocates memory until there is none, as C++ programs do
//     multiply  makes processes until it cannot, and notes why in "multiply"
//
// It appends "incarnation pid microseconds" to the file "starts", and what it is told to "told".

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "cluster/worker_protocol.h"

namespace {

using namespace storm::cluster;  // NOLINT(google-build-using-namespace): a small program.

constexpr int kReportMs = 100;

std::string read_to_end(int fd) {
    std::string all;
    std::array<char, 65536> piece{};
    for (;;) {
        const ssize_t count = ::read(fd, piece.data(), piece.size());
        if (count <= 0) return all;
        all.append(piece.data(), static_cast<std::size_t>(count));
    }
}

void note(const char* file, const std::string& line) {
    std::ofstream(file, std::ios::app) << line << '\n' << std::flush;
}

/// Inherited descriptors besides 0 to 3, as "4 7".
std::string open_descriptors() {
    std::string found;
    DIR* const directory = ::opendir("/proc/self/fd");
    for (const dirent* entry = ::readdir(directory); entry != nullptr;
         entry = ::readdir(directory)) {
        const int fd = std::atoi(entry->d_name);
        if (fd > 3 && fd != ::dirfd(directory)) found += std::string(entry->d_name) + ' ';
    }
    ::closedir(directory);
    return found;
}

// ---- What it may do

/// "0", or what errno says, as "EPERM".
std::string outcome(bool done) {
    if (done) return "done";
    const char* const name = ::strerrorname_np(errno);
    return name == nullptr ? std::to_string(errno) : name;
}

std::string opening(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    std::string found = outcome(fd >= 0);
    if (fd >= 0) ::close(fd);
    return found;
}

std::string limit(int resource) {
    rlimit found{};
    ::getrlimit(static_cast<__rlimit_resource>(resource), &found);
    return found.rlim_max == RLIM_INFINITY ? "unlimited" : std::to_string(found.rlim_max);
}

/// As "name what", a line each. `forbidden`: paths, one a line, to be opened for reading.
void look(const std::string& forbidden) {
    const auto say = [](const std::string& what, const std::string& found) {
        note("look", what + ' ' + found);
    };
    say("uid", std::to_string(::getuid()));
    say("euid", std::to_string(::geteuid()));
    say("gid", std::to_string(::getgid()));
    say("groups", std::to_string(::getgroups(0, nullptr)));
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        for (const char* const key :
             {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"}) {
            const std::string begin = std::string(key) + ":\t";
            if (line.starts_with(begin)) say(key, line.substr(begin.size()));
        }
    }
    const mode_t mask = ::umask(077);
    say("umask", std::to_string(mask));
    say("core", limit(RLIMIT_CORE));
    say("processes", limit(RLIMIT_NPROC));
    say("memory", limit(RLIMIT_DATA));
    std::string names;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        names += std::string(*variable).substr(0, std::string(*variable).find('=')) + ',';
    }
    say("environment", names);
    const std::string parent = "/proc/" + std::to_string(::getppid());
    say("parent-environment", opening(parent + "/environ", O_RDONLY));
    say("parent-memory", opening(parent + "/mem", O_RDWR));
    say("parent-signal", outcome(::kill(::getppid(), 0) == 0));
    say("ptrace", outcome(::syscall(SYS_ptrace, PTRACE_SEIZE, ::getppid(), 0, 0) == 0));
    say("unshare", outcome(::syscall(SYS_unshare, CLONE_NEWUSER) == 0));
    say("clone", outcome(::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) >= 0));
    say("mount", outcome(::mount("none", "/mnt", "tmpfs", 0, nullptr) == 0));
    say("io_uring", outcome(::syscall(SYS_io_uring_setup, 1, nullptr) >= 0));
    say("bpf", outcome(::syscall(SYS_bpf, 0, nullptr, 0) >= 0));
    say("keyctl", outcome(::syscall(SYS_keyctl, 0, 0, 0) >= 0));
    say("own-file", opening("mine", O_WRONLY | O_CREAT));
    const std::string in_tmp = "/tmp/storm-look-" + std::to_string(::getpid());
    say("tmp-file", opening(in_tmp, O_WRONLY | O_CREAT));
    ::unlink(in_tmp.c_str());
    say("stderr-file", opening("/dev/stderr", O_WRONLY | O_APPEND));
    say("passwd", opening("/etc/passwd", O_RDONLY));
    say("folder-list", opening("../..", O_RDONLY | O_DIRECTORY));
    std::istringstream paths(forbidden);
    for (std::string path; std::getline(paths, path);) say(path, opening(path, O_RDONLY));
    say("end", "-");
}

/// Until operator new throws, which ends it.
[[noreturn]] void eat() {
    constexpr std::size_t kPiece = 1 << 20;
    std::vector<std::unique_ptr<std::array<char, kPiece>>> eaten;
    for (;;) eaten.push_back(std::make_unique<std::array<char, kPiece>>());
}

void multiply() {
    for (int i = 0;; ++i) {
        const pid_t child = ::fork();
        if (child < 0) return note("multiply", outcome(false) + ' ' + std::to_string(i));
        if (child > 0) continue;
        for (;;) ::pause();
    }
}

int connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    // The C interface of sockets takes every address as a sockaddr.
    const void* const any = &address;
    if (::connect(fd, static_cast<const sockaddr*>(any), sizeof(address)) == 0) return fd;
    ::close(fd);
    return -1;
}

bool send_all(int fd, const std::string& bytes) {
    return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
}

class TestWorker {
public:
    explicit TestWorker(Bootstrap bootstrap) : bootstrap_(std::move(bootstrap)) {
        const auto mode = bootstrap_.topology.settings.find("test.mode");
        if (mode != bootstrap_.topology.settings.end()) mode_ = mode->second;
        report_.assignment_epoch = bootstrap_.assignment.epoch;
        report_.state = WorkerState::kRunning;
    }

    int run() {
        if (mode_ == "crash") {
            std::cerr << "one\ntwo\nincarnation " << bootstrap_.incarnation << std::endl;
            return 3;
        }
        if (mode_ == "leave") return 0;
        if (mode_ == "fenced") return kExitFenced;
        if (mode_ == "deaf") std::signal(SIGTERM, SIG_IGN);
        if (mode_ == "fail") {
            report_.state = WorkerState::kFailed;
            report_.failure = "cannot open \"input\"";
        }
        if (mode_ == "finish") report_.state = WorkerState::kFinished;
        if (mode_ == "litter") {
            leave_child("child", false);
            leave_child("distant-child", true);
        }
        if (mode_ == "escape") leave_stranger("stranger");
        if (mode_ == "bare") overwrite_environment();
        while (mode_ == "mute") ::pause();
        if (mode_ == "look") {
            const auto paths = bootstrap_.topology.settings.find("test.paths");
            look(paths == bootstrap_.topology.settings.end() ? std::string() : paths->second);
        }
        if (mode_ == "eat") eat();
        if (mode_ == "multiply") multiply();
        while (mode_ == "flood" || ended_ < 0) turn();
        return ended_;
    }

private:
    /// It holds all that is open here, and ends only when it is killed.
    static void leave_child(const char* file, bool own_session) {
        const pid_t child = ::fork();
        if (child == 0) {
            if (own_session) ::setsid();
            for (;;) ::pause();
        }
        while (own_session && ::getsid(child) != child) ::poll(nullptr, 0, 1);
        note(file, std::to_string(child));
    }

    /// Nothing says whose it was but its user.
    static void leave_stranger(const char* file) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::setsid();
            std::array<char*, 1> none{};
            ::execle("/bin/sleep", "sleep", "600", nullptr, none.data());
            ::_exit(1);
        }
        note(file, std::to_string(child));
    }

    static void overwrite_environment() {
        for (char** variable = environ; *variable != nullptr; ++variable) {
            std::memset(*variable, 0, std::strlen(*variable));
        }
        environ = nullptr;
        note("bare", "yes");
    }

    void turn() {
        if (mode_ == "flood") {
            for (int i = 0; i < 1000; ++i) std::cerr << "line " << lines_++ << " of many\n";
        }
        if (fd_ < 0 && !connect()) {
            ::poll(nullptr, 0, 20);
            return;
        }
        if (mode_ != "silent" || !reported_) report();
        if (mode_ == "fail") ended_ = 1;
        if (mode_ == "finish") ended_ = 0;
        if (mode_ == "abort") {
            ::poll(nullptr, 0, 50);
            std::abort();
        }
        pollfd waiting = {fd_, POLLIN, 0};
        if (::poll(&waiting, 1, mode_ == "flood" ? 0 : kReportMs) > 0) receive();
    }

    bool connect() {
        fd_ = connect_to(bootstrap_.supervisor_socket);
        if (fd_ < 0) return false;
        reader_ = {};
        return send_all(fd_, encode(ToSupervisor(Hello{bootstrap_.token, "0", ::getpid()})));
    }

    void report() {
        reported_ = true;
        if (report_.components.empty()) {
            report_.components.emplace_back();
            report_.components[0].id = "count";
        }
        ++report_.components[0].executed;
        if (!send_all(fd_, encode(ToSupervisor(report_)))) lose();
    }

    void lose() {
        ::close(fd_);
        fd_ = -1;
    }

    void receive() {
        std::array<char, 65536> piece{};
        const ssize_t count = ::recv(fd_, piece.data(), piece.size(), 0);
        if (count <= 0) return lose();
        reader_.append({piece.data(), static_cast<std::size_t>(count)});
        const auto messages = reader_.take();
        if (!messages) return lose();
        for (const ToWorker& message : *messages) take(message);
    }

    void take(const ToWorker& message) {
        if (const auto* const assign = std::get_if<Assign>(&message)) {
            report_.assignment_epoch = assign->assignment.epoch;
            return note("told", "assign " + std::to_string(assign->assignment.epoch));
        }
        if (const auto* const vouch = std::get_if<Vouch>(&message)) {
            return note("vouched", vouch->sure ? "sure" : "unsure");
        }
        const bool drain = std::get<Stop>(message).drain;
        note("told", drain ? "drain" : "stop");
        if (mode_ == "deaf") return;
        if (mode_ == "slow" && drain) {
            slow_until_ = clock_.now() + 2 * storm::base::kMicrosPerSecond;
            while (clock_.now() < slow_until_) ::poll(nullptr, 0, 50);
        }
        ended_ = 0;
    }

    const Bootstrap bootstrap_;
    const storm::base::SteadyClock clock_;
    std::string mode_ = "run";
    WorkerReport report_;
    MessageReader<ToWorker> reader_;
    int fd_ = -1;
    int ended_ = -1;
    bool reported_ = false;
    long lines_ = 0;
    storm::base::Micros slow_until_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2 || std::string(argv[1]) != "--worker") return 2;
    auto bootstrap = decode_bootstrap(read_to_end(kBootstrapDescriptor));
    ::close(kBootstrapDescriptor);
    if (!bootstrap) {
        std::cerr << bootstrap.error().message << '\n';
        return 1;
    }
    note("starts", std::to_string(bootstrap->incarnation) + ' ' + std::to_string(::getpid()) + ' ' +
                       std::to_string(storm::base::SteadyClock().now()));
    note("descriptors", open_descriptors());
    return TestWorker(std::move(bootstrap).value()).run();
}

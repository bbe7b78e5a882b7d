#include "cli/describe_child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/files.h"
#include "cli/json.h"
#include "cli/limits.h"
#include "cli/program.h"
#include "cli/terminal.h"
#include "cluster/settings_references.h"

namespace storm::cli {
namespace {

constexpr int kDescribeDescriptor = 3;  // Number in the child.
constexpr const char* kDescribeVariable = "STORM_DESCRIBE_FD=3";
constexpr int kSettingsDescriptor = 4;  // Number in the child.
constexpr const char* kSettingsFile = "/dev/fd/4";

/// A descriptor, closed by the destructor.
class Descriptor {
public:
    explicit Descriptor(int number = -1) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }

    int get() const { return number_; }
    void reset(int number) {
        close();
        number_ = number;
    }
    void close() {
        if (number_ >= 0) ::close(number_);
        number_ = -1;
    }

private:
    int number_;
};

struct Pipe {
    Descriptor read;
    Descriptor write;

    bool open() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
        read.reset(ends[0]);
        write.reset(ends[1]);
        return ::fcntl(read.get(), F_SETFL, O_NONBLOCK) == 0;
    }
};

/// Both limits, so that the program cannot raise it again.
void limit(int what, rlim_t wanted) {
    rlimit now{};
    ::getrlimit(static_cast<__rlimit_resource_t>(what), &now);
    const rlim_t value = std::min(wanted, now.rlim_max);
    const rlimit limits{value, value};
    ::setrlimit(static_cast<__rlimit_resource_t>(what), &limits);
}

/// Limit for the child: the number of running tasks plus our own. (The kernel counts all tasks of
/// the user.)
rlim_t tasks_max() {
    std::ifstream file("/proc/loadavg");
    std::string skipped, tasks;
    file >> skipped >> skipped >> skipped >> tasks;  // A line is "0.00 0.01 0.05 1/234 5678".
    const std::size_t slash = tasks.find('/');
    const rlim_t now = slash == std::string::npos ? 4096 : std::stoul(tasks.substr(slash + 1));
    return now + kDescribeTasksMax;
}

/// The child's needs, prepared before fork(), after which nothing may be allocated.
struct Prepared {
    explicit Prepared(const DescribeCall& call) : path(call.program) {
        arguments.push_back(path.data());
        for (const std::string& argument : call.arguments) texts.push_back(argument);
        if (!call.settings.empty()) texts.insert(texts.end(), {"--config", kSettingsFile});
        for (std::string& text : texts) arguments.push_back(text.data());
        arguments.push_back(nullptr);
        for (char** entry = environ; *entry != nullptr; ++entry) {
            if (std::strncmp(*entry, kDescribeVariable, std::strlen("STORM_DESCRIBE_FD=")) != 0) {
                environment.push_back(*entry);
            }
        }
        environment.push_back(variable.data());
        environment.push_back(nullptr);
    }

    std::string path;
    std::string variable = kDescribeVariable;
    std::vector<std::string> texts;
    std::vector<char*> arguments;
    std::vector<char*> environment;
    rlim_t tasks = tasks_max();
};

/// Not posix_spawn(), because the limits must apply to the program's first instruction.
[[noreturn]] void become(const Prepared& prepared, int settings, int description, int chatter,
                         int failure) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CPU, kDescribeCpuSecs);
    limit(RLIMIT_FSIZE, kDescribeFileBytesMax);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NPROC, prepared.tasks);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    // Moved above the numbers that are overwritten next; still closed by execve().
    const int settings_kept = settings < 0 ? -1 : ::fcntl(settings, F_DUPFD_CLOEXEC, 10);
    const int description_kept = ::fcntl(description, F_DUPFD_CLOEXEC, 10);
    const int chatter_kept = ::fcntl(chatter, F_DUPFD_CLOEXEC, 10);
    const int failure_kept = ::fcntl(failure, F_DUPFD_CLOEXEC, 10);
    const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup2(input, STDIN_FILENO);
    ::dup2(chatter_kept, STDOUT_FILENO);
    ::dup2(chatter_kept, STDERR_FILENO);
    ::dup2(description_kept, kDescribeDescriptor);
    if (settings_kept >= 0) ::dup2(settings_kept, kSettingsDescriptor);
    ::execve(prepared.path.c_str(), prepared.arguments.data(), prepared.environment.data());
    const int error = errno;
    static_cast<void>(!::write(failure_kept, &error, sizeof error));
    ::_exit(127);
}

std::uint64_t resident_bytes(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
    std::uint64_t pages = 0, resident = 0;
    file >> pages >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// How long it could have run while others did.
base::Micros micros_without_processor(pid_t pid) {
    constexpr std::uint64_t kNanosPerMicro = 1000;
    std::ifstream file("/proc/" + std::to_string(pid) + "/schedstat");
    std::uint64_t ran = 0, waited = 0;
    file >> ran >> waited;
    return static_cast<base::Micros>(waited / kNanosPerMicro);
}

std::string signal_text(int number) {
    const char* const name = ::sigabbrev_np(number);
    const char* const meaning = ::sigdescr_np(number);
    return name == nullptr ? "signal " + std::to_string(number)
                           : "SIG" + std::string(name) + " (" + meaning + ')';
}

/// The last lines of its output, indented; empty if there was none.
std::string shown(const std::string& chatter) {
    constexpr std::size_t kLinesMax = 20;
    std::vector<std::string> lines;
    std::istringstream stream(chatter);
    for (std::string line; std::getline(stream, line);) lines.push_back(printable(line));
    if (lines.empty()) return "";
    std::string text = "\n  it printed:";
    for (std::size_t i = lines.size() - std::min(lines.size(), kLinesMax); i < lines.size(); ++i) {
        text += "\n    " + lines[i];
    }
    return text;
}

/// The running child, and its output so far.
class Child {
public:
    Child(const DescribeCall& call, const base::Clock& clock) : call_(call), clock_(clock) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { end(); }

    base::Result<std::string> run() {
        if (auto failed = start()) return *failed;
        if (auto failed = watch()) return *failed;
        end();
        read_all();
        return judged();
    }

private:
    std::optional<base::Error> start() {
        if (!description_.open() || !chatter_.open() || !failure_.open()) {
            return base::Error{"cannot make a pipe: " + std::string(std::strerror(errno))};
        }
        if (!call_.settings.empty() && !hold_settings()) {
            return base::Error{"cannot make a memory file: " + std::string(std::strerror(errno))};
        }
        const Prepared prepared(call_);
        pid_ = ::fork();
        if (pid_ < 0) {
            return base::Error{"cannot start a process: " + std::string(std::strerror(errno))};
        }
        if (pid_ == 0) {
            become(prepared, settings_.get(), description_.write.get(), chatter_.write.get(),
                   failure_.write.get());
        }
        ::setpgid(pid_, pid_);  // Parent and child both do it; the first one counts.
        description_.write.close();
        chatter_.write.close();
        failure_.write.close();
        ended_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
        return std::nullopt;
    }

    /// In YAML, of which JSON is a part: one text per key.
    /// In a memory file, since some are secrets, and arguments can be read by everybody.
    bool hold_settings() {
        Json json = Json::object();
        for (const auto& [key, value] : call_.settings) {
            json[key] = cluster::escape_references(value);
        }
        const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
        settings_.reset(::memfd_create("storm-settings", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        return settings_.get() >= 0 && base::write_all(settings_.get(), text).has_value() &&
               ::fcntl(settings_.get(), F_ADD_SEALS,
                       F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
    }

    /// Until the process has ended, or must be ended.
    std::optional<base::Error> watch() {
        while (!has_ended()) {
            read_all();
            if (description_text_.size() > kDescriptionBytesMax) {
                return wrong("its description is over " + bytes_text(kDescriptionBytesMax));
            }
            if (const std::uint64_t bytes = resident_bytes(pid_); bytes > kDescribeMemoryMax) {
                return wrong("it takes more than " + bytes_text(kDescribeMemoryMax) +
                             " of memory to describe its topology");
            }
            waited_ = std::max(waited_, micros_without_processor(pid_));
            const base::Micros left =
                call_.deadline + std::min(waited_, kDescribeWaitMax) - clock_.now();
            if (left <= 0) {
                return wrong("it does not end: describing a topology may take " +
                             std::to_string(kDescribeMicros / base::kMicrosPerSecond) +
                             " s (twice)");
            }
            // Never longer than a look: memory can only be asked for.
            std::array<pollfd, 3> waited = {{{ended_.get(), POLLIN, 0},
                                             {description_.read.get(), POLLIN, 0},
                                             {chatter_.read.get(), POLLIN, 0}}};
            ::poll(waited.data(), waited.size(),
                   static_cast<int>(
                       std::min<base::Micros>(kDescribeLookMs, left / base::kMicrosPerMilli + 1)));
        }
        return std::nullopt;
    }

    bool has_ended() const {
        siginfo_t found{};
        return ::waitid(P_PID, static_cast<id_t>(pid_), &found, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               found.si_pid == pid_;
    }

    /// Kills its whole group, before the number can belong to another one.
    void end() {
        if (pid_ <= 0) return;
        ::kill(-pid_, SIGKILL);
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
        }
        pid_ = 0;
    }

    void read_all() {
        read_some(description_.read, description_text_, kDescriptionBytesMax + 1);
        read_some(chatter_.read, chatter_text_, 2 * kChatterBytesMax);
        if (chatter_text_.size() > kChatterBytesMax) {
            chatter_text_.erase(0, chatter_text_.size() - kChatterBytesMax);
        }
    }

    /// Reads what is there, up to a limit: a program that prints endlessly must not keep us here.
    static void read_some(Descriptor& from, std::string& to, std::size_t bytes_max) {
        std::array<char, 16 * 1024> chunk{};
        while (from.get() >= 0 && to.size() < bytes_max) {
            const ssize_t got = ::read(from.get(), chunk.data(), chunk.size());
            if (got < 0) return;
            if (got == 0) return from.close();
            to.append(chunk.data(), static_cast<std::size_t>(got));
        }
    }

    base::Result<std::string> judged() {
        int error = 0;
        if (::read(failure_.read.get(), &error, sizeof error) == sizeof error) {
            const ProgramMistake mistake = start_failure(call_.program, error);
            return base::Error{mistake.what +
                               (mistake.hint.empty() ? "" : "\n  hint: " + mistake.hint)};
        }
        if (WIFSIGNALED(status_)) {
            const int number = WTERMSIG(status_);
            if (number == SIGXCPU) {
                return wrong("it takes more than " + std::to_string(kDescribeCpuSecs) +
                             " s of processor time to describe its topology");
            }
            if (chatter_text_.find("std::bad_alloc") != std::string::npos) {
                return wrong("it asked for more memory than there is, and was ended by " +
                             signal_text(number));
            }
            return wrong("it crashed: ended by " + signal_text(number));
        }
        if (const auto mistake = linker_mistake(chatter_text_)) {
            return base::Error{"cannot start \"" + call_.program + "\": " + mistake->what +
                               "\n  hint: " + mistake->hint};
        }
        const int code = WEXITSTATUS(status_);
        if (code != 0) return wrong("it ended with exit code " + std::to_string(code));
        if (description_text_.empty()) {
            return wrong(
                "it ended without describing a topology; is it made with STORM_TOPOLOGY_MAIN?");
        }
        return std::move(description_text_);
    }

    base::Error wrong(const std::string& what) {
        read_all();
        return {"cannot describe the topology of \"" + call_.program + "\": " + what +
                shown(chatter_text_)};
    }

    const DescribeCall& call_;
    const base::Clock& clock_;
    Pipe description_, chatter_, failure_;
    Descriptor ended_, settings_;
    pid_t pid_ = 0;
    base::Micros waited_ = 0;
    int status_ = 0;
    std::string description_text_, chatter_text_;
};

}  // namespace

base::Result<std::string> run_to_describe(const DescribeCall& call, const base::Clock& clock) {
    return Child(call, clock).run();
}

}  // namespace storm::cli

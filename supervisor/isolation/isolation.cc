#include "supervisor/isolation/isolation.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "supervisor/isolation/file_rules.h"
#include "supervisor/isolation/system_calls.h"

namespace storm::supervisor {
namespace {

using Step = Stumble::Step;

// ---- In the child

Stumble stumble(Step step) noexcept {
    return {step, errno};
}

bool limit(int resource, rlim_t most) noexcept {
    rlimit now{};
    // Nobody may raise it again, not even we, unless we are root.
    if (::syscall(SYS_prlimit64, 0, resource, nullptr, &now) != 0) return false;
    const rlimit wanted = {std::min(most, now.rlim_max), std::min(most, now.rlim_max)};
    return ::syscall(SYS_prlimit64, 0, resource, &wanted, nullptr) == 0;
}

bool set_limits(const Confinement& confinement) noexcept {
    if (!limit(RLIMIT_CORE, 0)) return false;
    if (confinement.processes_max > 0 && !limit(RLIMIT_NPROC, confinement.processes_max)) {
        return false;
    }
    return confinement.memory_max == 0 || limit(RLIMIT_DATA, confinement.memory_max);
}

/// Capabilities that a program could bring with it. Without privileges we cannot drop them, and
/// need not.
bool drop_bounding_set() noexcept {
    constexpr unsigned long kCapabilitiesMax = 64;
    for (unsigned long each = 0; each < kCapabilitiesMax; ++each) {
        if (::syscall(SYS_prctl, PR_CAPBSET_DROP, each, 0UL, 0UL, 0UL) == 0) continue;
        return errno == EINVAL || errno == EPERM;  // Past the last capability, or not root.
    }
    return true;
}

bool drop_capabilities() noexcept {
    ::syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    return ::syscall(SYS_capset, &header, none.data()) == 0;
}

/// System calls, because the C library's functions would change all threads that it knows.
bool become(uid_t user) noexcept {
    return ::syscall(SYS_setgroups, 0UL, nullptr) == 0 &&
           ::syscall(SYS_setresgid, user, user, user) == 0 &&
           ::syscall(SYS_setresuid, user, user, user) == 0;
}

// ---- In the Supervisor

/// Returns how a child fares that confines itself.
base::Result<Stumble> try_in_child(const Confinement& confinement) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return base::system_error("cannot make a pipe");
    const base::Descriptor in(ends[0]);
    base::Descriptor out(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return base::system_error("cannot fork");
    if (child == 0) {
        const Stumble how = confine(confinement);
        const bool told = ::write(ends[1], &how, sizeof(how)) == ssize_t{sizeof(how)};
        ::_exit(told ? 0 : 1);
    }
    out.reset();
    Stumble how;
    const bool told = ::read(in.get(), &how, sizeof(how)) == ssize_t{sizeof(how)};
    const base::Error silent = base::system_error("a process that gives up its rights ends");
    ::waitpid(child, nullptr, 0);
    if (!told) return silent;
    return how;
}

void warn_without(const char* what, const std::string& why) {
    base::log::warn("workers run without a part of their isolation",
                    {{"without", what}, {"why", why}});
}

std::string errno_text(int error) {
    errno = error;
    return base::system_error("cannot").message;
}

}  // namespace

const char* to_text(Stumble::Step step) {
    switch (step) {
        case Step::kLimits:
            return "cannot set its limits";
        case Step::kCapabilities:
            return "cannot drop its capabilities";
        case Step::kUser:
            return "cannot become the user of its topology";
        case Step::kNoNewPrivileges:
            return "cannot give up new privileges";
        case Step::kFileRules:
            return "cannot restrict its files (Landlock)";
        case Step::kCallFilter:
            return "cannot restrict its system calls (seccomp)";
        case Step::kNone:
            break;
    }
    return "";
}

/// Runs between fork() and exec, in a process with threads: only system calls, on memory that was
/// made before (decisions/0010). Each step may take away the right to the next, hence the order.
Stumble confine(const Confinement& confinement) noexcept {
    if (!set_limits(confinement)) return stumble(Step::kLimits);
    // First the steps that need capabilities.
    if (confinement.drops_privileges && !drop_bounding_set()) return stumble(Step::kCapabilities);
    if (confinement.user && !become(*confinement.user)) return stumble(Step::kUser);
    if (confinement.drops_privileges && !drop_capabilities()) return stumble(Step::kCapabilities);
    if (::syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) {
        return stumble(Step::kNoNewPrivileges);
    }
    if (confinement.file_rules.is_open() &&
        ::syscall(SYS_landlock_restrict_self, confinement.file_rules.get(), 0) != 0) {
        return stumble(Step::kFileRules);
    }
    if (confinement.call_filter.len > 0 &&
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &confinement.call_filter) != 0) {
        return stumble(Step::kCallFilter);
    }
    return {};
}

/// Tries, instead of asking for versions: what is refused depends on the kernel, on its
/// configuration, and on the container around us. In a child, because nothing of it can be taken
/// back.
base::Result<Isolation> Isolation::measure(const IsolationSettings& wanted,
                                           const std::optional<UserIds>& users) {
    Isolation made;
    made.wanted_ = wanted;
    if (wanted.level != IsolationLevel::kOff) {
        made.filter_ = system_call_filter();
        if (made.filter_.empty()) warn_without("seccomp", "it is not known for this processor");
        const auto rules = make_file_rules({});
        made.has_file_rules_ = rules.has_value();
        if (!rules) warn_without("landlock", rules.error().message);
    }
    std::optional<uid_t> user;
    if (users) user = users->last;
    // Drops one part each time that the kernel refuses it.
    for (;;) {
        const auto confinement = made.confinement(user, "/", 0);
        if (!confinement) return confinement.error();
        const auto how = try_in_child(*confinement);
        if (!how) return how.error();
        const std::string why = errno_text(how->error);
        if (how->step == Step::kNone) break;
        if (how->step == Step::kFileRules) {
            warn_without("landlock", why);
            made.has_file_rules_ = false;
        } else if (how->step == Step::kCallFilter) {
            warn_without("seccomp", why);
            made.filter_.clear();
        } else {
            errno = how->error;
            return base::system_error(std::string("a worker ") + to_text(how->step));
        }
    }
    made.text_ = users ? "own user" : "no own user";
    if (!made.filter_.empty()) made.text_ += ", seccomp";
    if (made.has_file_rules_) made.text_ += ", landlock";
    if (made.has_file_rules_ && wanted.level == IsolationLevel::kStrict) made.text_ += " (strict)";
    return made;
}

base::Result<Confinement> Isolation::confinement(std::optional<uid_t> user,
                                                 const std::string& folder,
                                                 std::uint64_t memory_max) const {
    STORM_CHECK(!user || *user != 0, "no pool of users has root");
    Confinement made;
    made.drops_privileges = wanted_.level != IsolationLevel::kOff;
    made.user = user;
    // The kernel counts processes per user, so the limit makes sense only if the topology has its
    // own.
    if (user) made.processes_max = wanted_.processes_max;
    made.memory_max = wanted_.memory_max;
    if (memory_max > 0) {
        made.memory_max = made.memory_max == 0 ? memory_max : std::min(made.memory_max, memory_max);
    }
    if (has_file_rules_) {
        FileRules rules;
        rules.about_files = wanted_.level == IsolationLevel::kStrict;
        rules.writable = wanted_.writable;
        rules.secret = wanted_.secret;
        rules.own = folder;
        auto descriptor = make_file_rules(rules);
        if (!descriptor) return descriptor.error();
        // Out of the way of the descriptors that a worker gets.
        constexpr int kAside = 10;
        made.file_rules = base::Descriptor(::fcntl(descriptor->get(), F_DUPFD_CLOEXEC, kAside));
        if (!made.file_rules.is_open()) return base::system_error("cannot duplicate a descriptor");
    }
    STORM_CHECK(filter_.size() <= BPF_MAXINSNS,
                "the kernel takes a filter as a whole, or not at all");
    made.calls = filter_;
    made.call_filter.len = static_cast<unsigned short>(made.calls.size());
    made.call_filter.filter = made.calls.data();  // Moving `made` does not move them.
    return made;
}

}  // namespace storm::supervisor

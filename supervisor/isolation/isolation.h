// Limits of user code on this host: its user, its system calls, its resources.
// docs/decisions/0010-isolation.md has the reasons.
//
//     Isolation::measure()      tries everything in a child process, once
//     isolation.confinement()   prepares the limits of one worker, before fork()
//     confine()                 applies them to this process, between fork() and exec
//
// Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <linux/filter.h>
#include <sys/types.h>

#include "base/files.h"
#include "base/result.h"
#include "supervisor/isolation/user_ids.h"

namespace storm::supervisor {

enum class IsolationLevel : std::uint8_t {
    kOff,
    kBasic,   ///< No capabilities, no dangerous system calls, no signals to others.
    kStrict,  ///< Also: only public files, and no writing outside of some folders.
};

struct IsolationSettings {
    IsolationLevel level = IsolationLevel::kBasic;
    std::vector<std::string> writable;  ///< kStrict: besides a worker's own folder.
    std::vector<std::string> secret;    ///< kStrict: absolute paths.
    std::uint64_t processes_max = 0;    ///< Processes and threads of a user. 0: no limit.
    std::uint64_t memory_max = 0;       ///< Bytes per worker. 0: no limit.
};

/// For one process that is about to start.
struct Confinement {
    bool drops_privileges = false;
    std::optional<uid_t> user;  ///< Becomes this user, with this user's group alone.
    std::uint64_t processes_max = 0;
    std::uint64_t memory_max = 0;
    base::Descriptor file_rules;
    std::vector<sock_filter> calls;
    sock_fprog call_filter{};  ///< `calls` in the kernel's form. Length 0: no filter.
};

/// The step of confine() that failed, and errno.
struct Stumble {
    enum class Step : std::uint8_t {
        kNone,
        kLimits,
        kCapabilities,
        kUser,
        kNoNewPrivileges,
        kFileRules,
        kCallFilter
    };
    Step step = Step::kNone;
    int error = 0;
};
/// Such as "cannot become the user of its topology".
const char* to_text(Stumble::Step step);

/// Cannot be undone. Uses system calls only, nothing of the C library that involves threads or
/// memory: it runs in a child that shares, or has copied, the memory of a process with threads.
Stumble confine(const Confinement& confinement) noexcept;

class Isolation {
public:
    /// Finds out which of the wanted limits this host supports. Those that an old kernel lacks are
    /// left out, with a warning. An error if a user id cannot be used.
    static base::Result<Isolation> measure(const IsolationSettings& wanted,
                                           const std::optional<UserIds>& users);

    base::Result<Confinement> confinement(std::optional<uid_t> user, const std::string& folder,
                                          std::uint64_t memory_max) const;
    /// The limits in effect, for people: "own user, seccomp, landlock", "no own user, seccomp".
    const std::string& text() const { return text_; }

private:
    IsolationSettings wanted_;
    bool has_file_rules_ = false;
    std::vector<sock_filter> filter_;
    std::string text_;
};

}  // namespace storm::supervisor

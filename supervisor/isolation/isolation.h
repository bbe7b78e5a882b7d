// What user code may do on this host: whose it is, what of the kernel it may ask for, and how much
// of it there may be. docs/decisions/0010-isolation.md
//
//     Isolation::measure()      tries all of it in a child, once
//     isolation.confinement()   what one worker gets, made before fork()
//     confine()                 takes it away from this process, between fork() and exec
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
#include "supervisor/isolation/users.h"

namespace storm::supervisor {

enum class IsolationLevel : std::uint8_t {
    kOff,
    kBasic,   ///< No capabilities, no dangerous system calls, no signals to others.
    kStrict,  ///< And no file but what is public, nor writing beyond some folders.
};

struct IsolationSettings {
    IsolationLevel level = IsolationLevel::kBasic;
    std::vector<std::string> writable;  ///< With kStrict, besides a worker's own folder.
    std::vector<std::string> secret;    ///< With kStrict. Absolute.
    std::uint64_t processes_max = 0;    ///< With threads, of a user. 0: no limit.
    std::uint64_t memory_max = 0;       ///< Bytes of a worker. 0: no limit.
};

/// Of one process that is about to be.
struct Confinement {
    bool drops_privileges = false;
    std::optional<uid_t> user;  ///< Whose it becomes; his group alone.
    std::uint64_t processes_max = 0;
    std::uint64_t memory_max = 0;
    base::Descriptor file_rules;
    std::vector<sock_filter> calls;
    sock_fprog call_filter{};  ///< `calls`, as the kernel takes them. Of length 0: none.
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
/// "cannot become the user of its topology"
const char* to_text(Stumble::Step step);

/// For ever. Only system calls, nothing of the C library that knows of threads or memory: to be
/// called in a child that shares or has copied the memory of a process with threads.
Stumble confine(const Confinement& confinement) noexcept;

class Isolation {
public:
    /// What there is here of what is wanted. What an old kernel lacks is left out, with a warning;
    /// the error: a user's number that cannot be had.
    static base::Result<Isolation> measure(const IsolationSettings& wanted,
                                           const std::optional<UserIds>& users);

    base::Result<Confinement> confinement(std::optional<uid_t> user, const std::string& folder,
                                          std::uint64_t memory_max) const;
    /// What holds, for people: "own user, seccomp, landlock", "no own user, seccomp".
    const std::string& text() const { return text_; }

private:
    IsolationSettings wanted_;
    bool has_file_rules_ = false;
    std::vector<sock_filter> filter_;
    std::string text_;
};

}  // namespace storm::supervisor

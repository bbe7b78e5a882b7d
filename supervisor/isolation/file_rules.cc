#include "supervisor/isolation/file_rules.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace storm::supervisor {
namespace {

namespace fs = std::filesystem;

// These are newer than the C library's headers.
constexpr std::uint64_t kTruncate = 1ULL << 14;
constexpr std::uint64_t kDeviceCalls = 1ULL << 15;
constexpr std::uint64_t kScopeSignals = 1ULL << 1;
constexpr int kHasRefer = 2, kHasTruncate = 3, kHasNetwork = 4, kHasDeviceCalls = 5, kHasScopes = 6;

struct Ruleset {
    std::uint64_t files = 0;
    std::uint64_t network = 0;
    std::uint64_t scopes = 0;
};

constexpr std::uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
                                   LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kDeviceCalls;
constexpr std::uint64_t kReading =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWriting = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                   LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                   LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                                   LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |
                                   LANDLOCK_ACCESS_FS_REFER | kTruncate | kDeviceCalls;
constexpr std::uint64_t kNever = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK;

std::size_t size_of_ruleset(int version) {
    if (version >= kHasScopes) return sizeof(Ruleset);
    return version >= kHasNetwork ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
}

std::uint64_t known_to(int version, std::uint64_t rights) {
    if (version < kHasTruncate) rights &= ~kTruncate;
    if (version < kHasDeviceCalls) rights &= ~kDeviceCalls;
    return rights;
}

bool is_below(const std::string& path, const std::string& folder) {
    return folder == "/" || path == folder ||
           (path.starts_with(folder) && path[folder.size()] == '/');
}

/// Landlock knows no exceptions. So a folder that hides a secret is not allowed; instead all others
/// in it are, at each level above the secret. What is made later beside one is closed with it.
class Rules {
public:
    Rules(base::Descriptor rules, std::uint64_t handled, std::vector<std::string> secret)
        : rules_(std::move(rules)), handled_(handled), secret_(std::move(secret)) {}

    void allow(const std::string& path, std::uint64_t rights) {
        const base::Descriptor at(::open(path.c_str(), O_PATH | O_CLOEXEC));
        struct stat found {};
        if (!at.is_open() || ::fstat(at.get(), &found) != 0) return;  // The path is gone.
        rights &= handled_;
        if (!S_ISDIR(found.st_mode)) rights &= kOfFiles;
        landlock_path_beneath_attr rule{};
        rule.allowed_access = rights;
        rule.parent_fd = at.get();
        refused_ = refused_ || ::syscall(SYS_landlock_add_rule, rules_.get(),
                                         LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0;
    }
    /// Allows everything below `path` that is not secret.
    void allow_below(const std::string& path, std::uint64_t rights) {
        const auto hides = [&path](const std::string& secret) { return is_below(secret, path); };
        if (std::any_of(secret_.begin(), secret_.end(),
                        [&path](const std::string& secret) { return is_below(path, secret); })) {
            return;
        }
        if (std::none_of(secret_.begin(), secret_.end(), hides)) return allow(path, rights);
        std::error_code ended;
        for (fs::directory_iterator entry(path, ended), none; entry != none;
             entry.increment(ended)) {
            // The target of a link is allowed or not under its own name.
            std::error_code gone;
            if (!entry->is_symlink(gone)) allow_below(entry->path().string(), rights);
        }
    }
    bool refused() const { return refused_; }
    base::Descriptor take() { return std::move(rules_); }

private:
    base::Descriptor rules_;
    const std::uint64_t handled_;
    const std::vector<std::string> secret_;
    bool refused_ = false;
};

/// Resolves links, as far as the path exists.
std::vector<std::string> real(const std::vector<std::string>& paths) {
    std::vector<std::string> found;
    for (const std::string& path : paths) {
        std::error_code error;
        const fs::path canonical = fs::weakly_canonical(path, error);
        if (!error) found.push_back(canonical.string());
    }
    return found;
}

}  // namespace

int file_rules_version() {
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : static_cast<int>(version);
}

base::Result<base::Descriptor> make_file_rules(const FileRules& wanted) {
    const int version = file_rules_version();
    if (version < kHasRefer) return base::Error{"this kernel has no Landlock that could be used"};
    Ruleset ruleset;
    // Any ruleset refuses links and renames between folders unless it handles and allows them.
    ruleset.files = kNever | LANDLOCK_ACCESS_FS_REFER;
    if (wanted.about_files) ruleset.files |= kReading | kWriting;
    ruleset.files = known_to(version, ruleset.files);
    if (version >= kHasScopes) ruleset.scopes = kScopeSignals;
    base::Descriptor made(static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, &ruleset, size_of_ruleset(version), 0)));
    if (!made.is_open()) return base::system_error("cannot make rules of Landlock");
    Rules rules(std::move(made), ruleset.files, real(wanted.secret));
    if (wanted.about_files) {
        rules.allow_below("/", kReading);
        for (const std::string& path : real(wanted.writable)) {
            rules.allow_below(path, kReading | kWriting);
        }
        rules.allow(wanted.own, kReading | kWriting);
    } else {
        rules.allow("/", LANDLOCK_ACCESS_FS_REFER);
    }
    if (rules.refused()) return base::system_error("cannot add a rule of Landlock");
    return rules.take();
}

}  // namespace storm::supervisor

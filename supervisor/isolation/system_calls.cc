#include "supervisor/isolation/system_calls.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

namespace storm::supervisor {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kMachine = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kMachine = 0;
#endif
/// On x86-64 the second numbering of the same calls starts here.
constexpr std::uint32_t kOtherNumbers = 0x40000000;

// A list of what is refused: user code links anything, and must not break because a library uses a
// call that nobody has thought of. These reach into other processes, change mounts, namespaces,
// clocks or the kernel, or widen what it can be attacked by.
constexpr std::array kRefused = {
// LeakSanitizer needs it.
#if !defined(__SANITIZE_ADDRESS__)
    SYS_ptrace,
#endif
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    SYS_kcmp,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_unshare,
    SYS_setns,
    SYS_open_by_handle_at,
    SYS_fanotify_init,
    SYS_quotactl,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_reboot,
    SYS_kexec_load,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_syslog,
#ifdef SYS_iopl
    SYS_iopl,
    SYS_ioperm,
#endif
};
/// clone3() has its flags in memory, where a filter cannot look; callers then try clone().
constexpr std::array kUnknown = {SYS_userfaultfd, SYS_io_uring_setup, SYS_io_uring_enter,
                                 SYS_io_uring_register, SYS_clone3};
constexpr std::uint32_t kNewNamespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                                         CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

constexpr std::uint32_t refuse(int error) {
    return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

class Filter {
public:
    void load(std::size_t offset) {
        add_(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset), 0, 0);
    }
    void answer(std::uint32_t verdict) { add_(BPF_RET | BPF_K, verdict, 0, 0); }
    /// Answers `verdict` if the comparison holds; otherwise goes on.
    void answer_if(std::uint16_t comparison, std::uint32_t value, std::uint32_t verdict) {
        add_(static_cast<std::uint16_t>(BPF_JMP | BPF_K | comparison), value, 0, 1);
        answer(verdict);
    }
    void answer_unless_equal(std::uint32_t value, std::uint32_t verdict) {
        add_(BPF_JMP | BPF_K | BPF_JEQ, value, 1, 0);
        answer(verdict);
    }
    std::vector<sock_filter> take() { return std::move(code_); }

private:
    void add_(std::uint16_t code, std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
        code_.push_back({code, yes, no, value});
    }

    std::vector<sock_filter> code_;
};

}  // namespace

std::vector<sock_filter> system_call_filter() {
    if (kMachine == 0) return {};
    Filter filter;
    filter.load(offsetof(seccomp_data, arch));
    filter.answer_unless_equal(kMachine, refuse(ENOSYS));
    filter.load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
    filter.answer_if(BPF_JGE, kOtherNumbers, refuse(ENOSYS));
#endif
    for (const auto call : kRefused) {
        filter.answer_if(BPF_JEQ, static_cast<std::uint32_t>(call), refuse(EPERM));
    }
    for (const auto call : kUnknown) {
        filter.answer_if(BPF_JEQ, static_cast<std::uint32_t>(call), refuse(ENOSYS));
    }
    filter.answer_unless_equal(SYS_clone, SECCOMP_RET_ALLOW);
    filter.load(offsetof(seccomp_data, args));  // The lower half of the first argument, the flags.
    filter.answer_if(BPF_JSET, kNewNamespaces, refuse(EPERM));
    filter.answer(SECCOMP_RET_ALLOW);
    return filter.take();
}

}  // namespace storm::supervisor

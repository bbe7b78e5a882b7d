#include "base/crash.h"

#include <array>
#include <atomic>
#include <bit>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <ucontext.h>
#include <unistd.h>

#include "base/alternate_stack.h"
#include "base/stack_trace.h"
#include "base/symbol.h"

namespace storm::base {
namespace {

/// Most calls in the report: with its other lines they fit into the lines that a Supervisor keeps.
constexpr std::size_t kCallsMax = 16;
constexpr std::size_t kHintedMax = 6;
/// Largest distance from the stack pointer at which an exhausted stack is touched.
constexpr std::uintptr_t kStackReach = 64 * 1024;

// A signal handler can reach only globals.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
CrashHooks the_hooks;
std::atomic_flag somebody_tells = ATOMIC_FLAG_INIT;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

std::uintptr_t stack_pointer(const void* interrupted) {
    const auto& context = *static_cast<const ucontext_t*>(interrupted);
#if defined(__x86_64__)
    return static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
    return context.uc_mcontext.sp;
#else
    return 0;
#endif
}

void add_cause(LineBuffer& line, int signal, const siginfo_t& info, const void* interrupted) {
    const bool sent = info.si_code == SI_USER || (info.si_code == SI_TKILL && signal != SIGABRT);
    if (sent) {
        (line << " (sent by process ").number(static_cast<std::uint64_t>(info.si_pid)) << ")";
    } else if (signal == SIGSEGV || signal == SIGBUS) {
        const auto address = std::bit_cast<std::uintptr_t>(info.si_addr);
        const std::uintptr_t stack = stack_pointer(interrupted);
        const bool used_up = address + kStackReach > stack && address < stack + kStackReach;
        (line << " (at address ").hex(address) << (used_up ? ": its stack is used up)" : ")");
    }
}

void write_hint(std::span<const std::uintptr_t> calls) {
    const auto program = own_program();
    const std::string_view path = program.data();
    LineBuffer line;
    line << "  hint: addr2line -Cfie " << path;
    std::size_t hinted = 0;
    for (const std::uintptr_t call : calls) {
        Symbol symbol;
        find_symbol(call, symbol);
        if (symbol.file() != path || hinted == kHintedMax) continue;
        ++hinted;
        (line << " ").hex(symbol.offset);
    }
    line << " names the lines of what was compiled with -g";
    if (hinted > 0) line.write_to(STDERR_FILENO);
}

/// Runs as a signal handler in a process that is broken: no heap, no locks, no C++ streams. What is
/// written first is what matters most, since any line may be the last.
void tell(int signal, siginfo_t* info, void* interrupted) {
    if (somebody_tells.test_and_set()) {
        while (true) ::pause();  // The other thread ends the process.
    }
    if (the_hooks.first != nullptr) the_hooks.first();
    const char* const name = ::sigabbrev_np(signal);  // Reads a table; does not allocate.
    LineBuffer line;
    line << kCrashError << kCrashBySignal << (name == nullptr ? "?" : name);
    add_cause(line, signal, *info, interrupted);
    if (the_hooks.whose != nullptr) the_hooks.whose(line);
    line.write_to(STDERR_FILENO);
    std::array<std::uintptr_t, 4 * kCallsMax> calls{};
    const std::size_t count = stack_of(interrupted, calls);
    const std::span told(calls.data(), std::min(count, kCallsMax));
    write_stack(STDERR_FILENO, told);
    write_hint(told);
    std::signal(signal, SIG_DFL);
    std::raise(signal);  // Blocked until the handler returns.
}

}  // namespace

void tell_of_crashes(const CrashHooks& hooks) {
    the_hooks = hooks;
    static const AlternateStack kForThisThread;
    struct sigaction action {};
    action.sa_sigaction = &tell;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        struct sigaction before {};
        sigaction(signal, nullptr, &before);
        // A handler that user code or a sanitizer has set stays.
        if (before.sa_handler == SIG_DFL) sigaction(signal, &action, nullptr);
    }
}

}  // namespace storm::base

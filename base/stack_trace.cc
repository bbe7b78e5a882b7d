#include "base/stack_trace.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>

#include <cxxabi.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "base/line_buffer.h"
#include "base/symbol.h"

namespace storm::base {
namespace {

struct Found {
    std::span<std::uintptr_t> calls;
    std::size_t count = 0;
};

_Unwind_Reason_Code add_call(_Unwind_Context* context, void* into) {
    auto& found = *static_cast<Found*>(into);
    if (found.count == found.calls.size()) return _URC_END_OF_STACK;
    int before_instruction = 0;
    const std::uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
    if (address == 0 && found.count > 0) return _URC_END_OF_STACK;
    // The address behind a call may belong to the next function.
    const bool returns = before_instruction == 0 && address != 0;
    found.calls[found.count++] = returns ? address - 1 : address;
    return _URC_NO_REASON;
}

std::uintptr_t interrupted_at(const void* interrupted) {
    const auto& context = *static_cast<const ucontext_t*>(interrupted);
#if defined(__x86_64__)
    return static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
    return context.uc_mcontext.pc;
#else
    return 0;
#endif
}

enum class Names : bool { kMangled, kReadable };

void write_call(int descriptor, std::size_t number, std::uintptr_t address, Names names) {
    Symbol symbol;
    find_symbol(address, symbol);
    std::string_view function = symbol.function();
    std::unique_ptr<char, decltype(&std::free)> readable(nullptr, &std::free);
    if (names == Names::kReadable && !function.empty()) {
        int status = 0;
        readable.reset(abi::__cxa_demangle(function.data(), nullptr, nullptr, &status));
        if (status == 0) function = readable.get();
    }
    constexpr std::size_t kNameMax = 300;
    const std::string_view file = symbol.file();
    LineBuffer line;
    (line << "    #").number(number) << " ";
    if (function.empty()) {
        line << "?";
    } else {
        line << function.substr(0, kNameMax) << (function.size() > kNameMax ? "..." : "");
        (line << "+").hex(symbol.into_function);
    }
    line << " (" << file.substr(std::min(file.rfind('/') + 1, file.size()));
    (line << "+").hex(symbol.offset) << ")";
    line.write_to(descriptor);
}

/// A counter that the process shares with its copy.
std::atomic<std::size_t>* shared_count() {
    static_assert(std::atomic<std::size_t>::is_always_lock_free, "used between processes");
    void* const memory = ::mmap(nullptr, sizeof(std::atomic<std::size_t>), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : new (memory) std::atomic<std::size_t>(0);
}

/// Runs in the copy. It always ends, and prints nothing but the names.
[[noreturn]] void write_readable(int descriptor, std::span<const std::uintptr_t> calls,
                                 std::atomic<std::size_t>& written) {
    for (const int signal : {SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
        std::signal(signal, SIG_DFL);
    ::alarm(kPatienceSeconds);
    sigset_t all{};
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
    const rlimit none{};
    ::setrlimit(RLIMIT_CORE, &none);  // The useful core file is that of the original.
    const int out = ::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0)
        ::dup2(nowhere, STDERR_FILENO);  // Complaints of the C library about the heap.
    for (std::size_t i = 0; i < calls.size(); ++i) {
        write_call(out, i, calls[i], Names::kReadable);
        written.store(i + 1);
    }
    ::_exit(0);
}

}  // namespace

std::size_t stack_of(const void* interrupted, std::span<std::uintptr_t> calls) {
    Found found{calls};
    _Unwind_Backtrace(&add_call, &found);
    const auto all = calls.first(found.count);
    // Leaves out the calls of the handler itself.
    const auto first = std::find(all.begin(), all.end(), interrupted_at(interrupted));
    if (first == all.end()) return found.count;
    std::move(first, all.end(), all.begin());
    return static_cast<std::size_t>(all.end() - first);
}

/// Readable names need the heap, which may be what is broken. So a copy of the process tries, and
/// whatever it has not written by its end is written here, with the linker's names.
void write_stack(int descriptor, std::span<const std::uintptr_t> calls) {
    std::size_t written = 0;
    if (std::atomic<std::size_t>* const count = shared_count()) {
        const pid_t copy = ::_Fork();  // Unlike fork(), it takes no locks and runs no handlers.
        if (copy == 0) write_readable(descriptor, calls, *count);
        while (copy > 0 && ::waitpid(copy, nullptr, 0) < 0 && errno == EINTR) {
        }
        written = count->load();
    }
    for (std::size_t i = written; i < calls.size(); ++i)
        write_call(descriptor, i, calls[i], Names::kMangled);
}

}  // namespace storm::base

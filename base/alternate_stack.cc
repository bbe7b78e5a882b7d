#include "base/alternate_stack.h"

#include <csignal>
#include <cstddef>

#include <sys/mman.h>

namespace storm::base {
namespace {

/// Enough for the demangler, which recurses.
constexpr std::size_t kBytes = std::size_t{256} * 1024;

}  // namespace

AlternateStack::AlternateStack() {
    stack_t present{};
    // One that is there already is somebody else's, and stays.
    if (::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;
    void* const memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return;
    stack_t own{};
    own.ss_sp = memory;
    own.ss_size = kBytes;
    if (::sigaltstack(&own, nullptr) == 0) {
        memory_ = memory;
    } else {
        ::munmap(memory, kBytes);
    }
}

AlternateStack::~AlternateStack() {
    if (memory_ == nullptr) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    if (::sigaltstack(&none, nullptr) == 0) ::munmap(memory_, kBytes);
}

}  // namespace storm::base

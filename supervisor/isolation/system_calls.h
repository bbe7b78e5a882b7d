// What user code has no business asking of the kernel, as a filter for seccomp.
//
// A list of what is refused: what other processes hold (ptrace and its like), the machine itself
// (modules, mounts, clocks, namespaces), and what attacks on the kernel begin with (bpf, io_uring,
// userfaultfd, keys). Refused is EPERM; ENOSYS where the C library or programs then take another
// way. All other calls are let through.
//
// Threads: pure function.
#pragma once

#include <vector>

#include <linux/filter.h>

namespace storm::supervisor {

/// Empty: not known for this processor.
std::vector<sock_filter> system_call_filter();

}  // namespace storm::supervisor

// A seccomp filter against system calls that user code has no business making.
//
// It refuses access to other processes (ptrace and the like), to the machine itself (modules,
// mounts, clocks, namespaces), and calls that kernel attacks usually start with (bpf, io_uring,
// userfaultfd, keys). The error is EPERM, or ENOSYS if the C library or programs then take another
// way. All other calls pass.
//
// Threads: pure function.
#pragma once

#include <vector>

#include <linux/filter.h>

namespace storm::supervisor {

/// Empty: not supported for this processor.
std::vector<sock_filter> system_call_filter();

}  // namespace storm::supervisor

// Facts about the machine that a Supervisor runs on.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace storm::supervisor {

struct Host {
    std::string machine;                    ///< Such as "x86_64".
    std::string glibc;                      ///< Such as "2.36".
    std::vector<std::string> cpu_features;  ///< Named as in /proc/cpuinfo.
};
Host this_host();

/// Processes that the kernel has killed since boot for lack of memory.
std::uint64_t kernel_kills();

/// Whether a worker could listen on the port. An error says why not.
base::Result<base::Done> try_port(const std::string& address, std::uint16_t port);

/// True for "127.0.0.1", "localhost", "::1" and the like.
bool is_loopback(const std::string& address);

}  // namespace storm::supervisor

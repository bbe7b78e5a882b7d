// What a Supervisor says of the machine that it runs on, and asks of it.
//
// Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace storm::supervisor {

struct Host {
    std::string machine;                    ///< "x86_64"
    std::string glibc;                      ///< "2.36"
    std::vector<std::string> cpu_features;  ///< As /proc/cpuinfo calls them.
};
Host this_host();

std::chrono::system_clock::time_point wall_time();
/// Milliseconds since 1970.
std::int64_t wall_ms();

/// Processes that the kernel has killed since boot because there was no memory left.
std::uint64_t kernel_kills();

/// Whether a worker could listen on it. The error says that it could not, and why.
base::Result<base::Done> try_port(const std::string& address, std::uint16_t port);

/// "127.0.0.1", "localhost", "::1" and their like.
bool is_loopback(const std::string& address);

}  // namespace storm::supervisor

#include "supervisor/host.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <sstream>
#include <string_view>

#include <gnu/libc-version.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "base/files.h"

namespace storm::supervisor {
namespace {

/// Those of the first processor. On ARM the line is called "Features".
std::vector<std::string> read_cpu_features() {
    constexpr std::size_t kCpuInfoMax = 16UL * 1024 * 1024;
    const auto text = base::read_small_file("/proc/cpuinfo", kCpuInfoMax);
    std::vector<std::string> features;
    if (!text) return features;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
        std::istringstream words(line.substr(std::min(line.find(':'), line.size() - 1) + 1));
        for (std::string word; words >> word;) features.push_back(word);
        break;
    }
    return features;
}

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;
Addresses addresses_of(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    return {error == 0 ? found : nullptr, &::freeaddrinfo};
}

}  // namespace

Host this_host() {
    utsname found{};
    ::uname(&found);
    return {found.machine, ::gnu_get_libc_version(), read_cpu_features()};
}

/// Compared before and after a worker's life: this number of the kernel's does not say whom it has
/// ended.
std::uint64_t kernel_kills() {
    constexpr std::size_t kStatisticsMax = 64UL * 1024;
    const auto text = base::read_small_file("/proc/vmstat", kStatisticsMax);
    if (!text) return 0;
    std::istringstream words(*text);
    std::string name;
    for (std::uint64_t count = 0; words >> name >> count;) {
        if (name == "oom_kill") return count;
    }
    return 0;
}

base::Result<base::Done> try_port(const std::string& address, std::uint16_t port) {
    const std::string what = "cannot use port " + std::to_string(port) + " of " + address;
    const Addresses found = addresses_of(address, port);
    if (!found) return base::Error{what + ": the address is not known"};
    const base::Descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Workers set it too, so connections in TIME_WAIT do not matter.
    const int on = 1;
    if (!socket.is_open() ||
        ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 ||
        ::listen(socket.get(), 1) != 0) {
        return base::system_error(what);
    }
    return base::Done{};
}

bool is_loopback(const std::string& address) {
    const Addresses found = addresses_of(address, 0);
    if (!found) return false;
    for (const addrinfo* each = found.get(); each != nullptr; each = each->ai_next) {
        if (each->ai_family == AF_INET6) {
            sockaddr_in6 v6{};
            std::memcpy(&v6, each->ai_addr, sizeof(v6));
            if (!IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) return false;
            continue;
        }
        sockaddr_in v4{};
        std::memcpy(&v4, each->ai_addr, sizeof(v4));
        if (ntohl(v4.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET) return false;
    }
    return true;
}

}  // namespace storm::supervisor

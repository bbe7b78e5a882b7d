// Where a server listens, as text: "alpha:6627", "[::1]:6627".
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace storm::net {

/// The advice for an address that cannot be read.
inline constexpr const char* kAddressHint = "write host or host:port, as in alpha:6627";

struct Address {
    std::string host;
    std::uint16_t port = 0;

    friend bool operator==(const Address&, const Address&) = default;
};
/// An IPv6 address is put in brackets.
std::string to_string(const Address& address);
/// Parses "host:port", "[::1]:port", or without a port, which is then `default_port`; an IPv6
/// address without a port needs no brackets.
base::Result<Address> parse_address(std::string_view text, std::uint16_t default_port);

}  // namespace storm::net

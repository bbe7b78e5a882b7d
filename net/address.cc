#include "net/address.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace storm::net {

std::string to_string(const Address& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return (v6 ? '[' + address.host + ']' : address.host) + ':' + std::to_string(address.port);
}

base::Result<Address> parse_address(std::string_view text, std::uint16_t default_port) {
    const auto wrong = [text] {
        return base::Error{'"' + std::string(text) + "\" is not an address"};
    };
    std::string_view host = text;
    std::string_view port;  // Includes its colon.
    if (text.starts_with('[')) {
        const std::size_t end = std::min(text.find(']'), text.size());
        host = text.substr(1, end - 1);
        if (end == text.size()) return wrong();
        port = text.substr(end + 1);
    } else if (const std::size_t colon = text.find(':');
               colon != std::string_view::npos && text.rfind(':') == colon) {
        // The only colon: of several without brackets none begins a port, they are an IPv6 address.
        host = text.substr(0, colon);
        port = text.substr(colon);
    }
    Address address{std::string(host), default_port};
    if (!port.empty()) {
        const char* const end = port.data() + port.size();
        const auto [read, error] = std::from_chars(port.data() + 1, end, address.port);
        if (port[0] != ':' || error != std::errc() || read != end || address.port == 0)
            return wrong();
    }
    const bool plain = std::all_of(host.begin(), host.end(),
                                   [](char c) { return c > ' ' && c <= '~' && c != '/'; });
    if (host.empty() || !plain) return wrong();
    return address;
}

}  // namespace storm::net

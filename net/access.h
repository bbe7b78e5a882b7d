// Who may: whoever sends `Authorization: Bearer TOKEN` (RFC 6750).
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_message.h"

namespace storm::net {

/// Empty: nobody has it.
struct Tokens {
    std::string full;
    std::string readonly;
};

/// Each may what those before it may.
enum class Access : std::uint8_t {
    kOpen,  ///< What users wrote or printed is not for it.
    kRead,
    kChange,
};
/// A wrong token is as good as none.
Access access_of(const HttpRequest& request, const Tokens& tokens);

/// Nothing: the request may do what needs `wanted`. Otherwise what to answer; `hint` says where to
/// find the token.
std::optional<HttpResponse> refuse_without(Access wanted, const HttpRequest& request,
                                           const Tokens& tokens, std::string_view hint);

}  // namespace storm::net

// Who may: whoever sends `Authorization: Bearer TOKEN` (RFC 6750).
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <string_view>

#include "net/http_message.h"

namespace storm::net {

/// Nothing: the request has it. Otherwise what to answer; `hint` says where to find the token.
std::optional<HttpResponse> refuse_without_token(const HttpRequest& request, std::string_view token,
                                                 std::string_view hint);

}  // namespace storm::net

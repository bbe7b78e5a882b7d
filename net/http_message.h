// An HTTP request and an HTTP response, as plain values.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "net/digest.h"

namespace storm::net {

/// Keyed by name in lower case; of repeated headers the last.
using HttpHeaders = std::map<std::string, std::string>;
/// Empty if the header is missing or empty. Valid as long as the headers are.
std::string_view header_of(const HttpHeaders& headers, const char* name);

/// Each level includes those before it.
enum class Access : std::uint8_t {
    kOpen,  ///< May not see what users wrote or printed.
    kRead,
    kChange,
};

/// The sender of a request, recognized by its head (net/access.h).
struct HttpCaller {
    Access access = Access::kOpen;
    /// Set if the sender wants a proof that the server knows the token too.
    std::optional<DigestReceipt> receipt = {};
};

struct HttpRequest {
    std::string method;  ///< "GET"
    std::string target;  ///< "/topologies?all=true"
    HttpHeaders headers;
    std::string body;
    HttpCaller caller = {};  ///< Set by servers.
};

struct HttpResponse {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body = {};
    HttpHeaders headers = {};  ///< Servers only: besides those that every response has.
    std::string file = {};     ///< Servers only: a file that is sent instead of `body`.

    /// `body` must be JSON already.
    static HttpResponse json(std::string body, int status = 200);
    /// JSON: {"error": why, "hint": hint}.
    static HttpResponse error(int status, std::string_view why, std::string_view hint = {});
};

/// The sender of a request, or a refusal if its credentials do not hold.
using HttpRecognized = std::variant<HttpCaller, HttpResponse>;

}  // namespace storm::net

// What HTTP carries: a request and a response, as plain values.
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

/// By name in lower case; the last of each.
using HttpHeaders = std::map<std::string, std::string>;
/// Empty: it is not there, or is empty. Good as long as the headers are.
std::string_view header_of(const HttpHeaders& headers, const char* name);

/// Each may what those before it may.
enum class Access : std::uint8_t {
    kOpen,  ///< What users wrote or printed is not for it.
    kRead,
    kChange,
};

/// Who sends a request, as its head has shown (net/access.h).
struct HttpCaller {
    Access access = Access::kOpen;
    std::optional<DigestReceipt> receipt = {};  ///< It wants to see that the server knows it, too.
};

struct HttpRequest {
    std::string method;  ///< "GET"
    std::string target;  ///< "/topologies?all=true"
    HttpHeaders headers;
    std::string body;
    HttpCaller caller = {};  ///< Of a server.
};

struct HttpResponse {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body = {};
    HttpHeaders headers = {};  ///< Of a server: besides those that every response has.
    std::string file = {};     ///< Of a server: a file that is sent instead of `body`.

    /// `body` is JSON already.
    static HttpResponse json(std::string body, int status = 200);
    /// JSON: {"error": why, "hint": hint}.
    static HttpResponse error(int status, std::string_view why, std::string_view hint = {});
};

/// Who sends a request; or what to answer, as what it shows does not hold.
using HttpRecognized = std::variant<HttpCaller, HttpResponse>;

}  // namespace storm::net

// What HTTP carries: a request and a response, as plain values.
//
// Threads: plain values.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace storm::net {

/// By name in lower case; the last of each.
using HttpHeaders = std::map<std::string, std::string>;

struct HttpRequest {
    std::string method;  ///< "GET"
    std::string target;  ///< "/topologies?all=true"
    HttpHeaders headers;
    std::string body;
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

}  // namespace storm::net

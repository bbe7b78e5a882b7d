// What HTTP carries: a request and a response, as plain values.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

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
    std::string body;
    HttpHeaders headers = {};  ///< Of a server: besides those that every response has.
    std::string file = {};     ///< Of a server: a file that is sent instead of `body`.

    static HttpResponse error(int status, std::string why) {
        HttpResponse made;
        made.status = status;
        made.body = std::move(why) + '\n';
        return made;
    }
};

}  // namespace storm::net

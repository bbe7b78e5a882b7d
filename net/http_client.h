// A blocking HTTP/1.1 client, for command-line tools and for threads that have nothing else to do.
//
//     auto response = call({.host = "127.0.0.1", .port = 6627, .target = "/health"});
//     if (!response) …  // could not be reached, or broke off: the error says which
//
// Threads: any; each call is on its own. It blocks until the response is there, or until nothing
// has moved for `timeout`. Looking up a host's name is not limited by the timeouts.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "net/http_message.h"

namespace storm::net {

struct HttpCall {
    std::string host;
    std::uint16_t port = 0;
    std::string method = "GET";
    std::string target = "/";
    HttpHeaders headers = {};  ///< Besides Host, Content-Length, User-Agent.
    std::string body;
    std::string body_file;  ///< Sent instead of `body`; read as it is sent.
    std::string save_file;  ///< Gets the body of a 200 instead of keeping it; whole, or untouched.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;  ///< Of file transfers.
    std::chrono::milliseconds connect_timeout{2'000};
    std::chrono::milliseconds timeout{10'000};
    /// For all of it, from the connection on: whoever answers byte by byte gets no more. 0: three
    /// timeouts, and none where files are sent or saved.
    std::chrono::milliseconds deadline{0};
};

/// Any response is a success here, whatever its status.
base::Result<HttpResponse> call(const HttpCall& wanted);

/// Of an error of call(): whether the other side cannot have seen the request.
bool never_reached(const base::Error& error);

}  // namespace storm::net

// A blocking HTTP/1.1 client, for command-line tools and for threads that do nothing else.
//
//     auto response = call({.host = "127.0.0.1", .port = 6627, .target = "/health"});
//     if (!response) …  // not reached, or broken off: the error says which
//
// Threads: any; calls are independent. A call blocks until the response is there, until nothing has
//          moved for `timeout`, or too little. No limit covers the look-up of the host's name.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "net/http_message.h"
#include "net/limits.h"

namespace storm::net {

struct HttpCall {
    std::string host;
    std::uint16_t port = 0;
    std::string method = "GET";
    std::string target = "/";
    HttpHeaders headers = {};  ///< Besides Host, Content-Length and User-Agent.
    std::string body;
    std::string body_file;  ///< Sent instead of `body`; read while it is sent.
    /// Gets the body of a 200 instead of the response; complete, or untouched.
    std::string save_file;
    /// Called during file transfers.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
    std::chrono::milliseconds connect_timeout{2'000};
    std::chrono::milliseconds timeout{10'000};
    /// For everything after the connect, so that a server cannot stretch an answer byte by byte. 0:
    /// three times `timeout`, which does not count while a file is sent or saved.
    std::chrono::milliseconds deadline{0};
    /// A file that moves less than so many bytes in a period is given up.
    std::uint64_t file_bytes_min = kHttpFileBytesMin;
    std::chrono::milliseconds file_period = kHttpFilePeriod;
    /// A larger body that would be saved is an error.
    std::uint64_t save_bytes_max = kHttpFileBytesMax;
    /// A larger body that would be kept in memory is an error.
    std::uint64_t response_bytes_max = kHttpResponseBytesMax;
};

/// Any response is a success, whatever its status.
base::Result<HttpResponse> call(const HttpCall& wanted);

/// A `deadline` for a file of this size between daemons: others wait for them.
std::chrono::milliseconds file_deadline(std::uint64_t bytes);

/// Whether the server cannot have seen the request, given an error of call().
bool never_reached(const base::Error& error);

}  // namespace storm::net

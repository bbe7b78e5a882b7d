// A connection of an HTTP server: reads a request, answers it, and reads the next one.
//
// Owned by the callback, or the HttpReply, that it waits for.
//
// Threads: the one that runs the server's io_context.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/ip/tcp.hpp>

#include "net/http_service.h"

namespace storm::net {

class HttpConnection {
public:
    HttpConnection() = default;
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;
    virtual ~HttpConnection() = default;

    virtual void close() = 0;
    /// Time of its last read or write; nothing while it waits for us.
    virtual std::optional<std::chrono::steady_clock::time_point> silent_since() const = 0;
};

/// A server, as its connections see it.
class HttpHost {
public:
    explicit HttpHost(HttpService given) : service(std::move(given)) {}
    HttpHost(const HttpHost&) = delete;
    HttpHost& operator=(const HttpHost&) = delete;
    virtual ~HttpHost() = default;

    virtual void opened(HttpConnection& connection) = 0;
    virtual void closed(HttpConnection& connection) = 0;
    /// Whether a request with this Host is for us.
    virtual bool is_own_host(std::string_view host) const = 0;

    const HttpService service;
    std::string dropped;  ///< Where all connections put bytes that nobody reads.
};

/// Serves the peer until it has gone, has been silent for too long, or close() is called.
std::shared_ptr<HttpConnection> serve_http(std::shared_ptr<HttpHost> host,
                                           boost::asio::ip::tcp::socket socket);

}  // namespace storm::net

// A small HTTP/1.1 server for what a process says of itself.
//
//     auto server = HttpServer::listen(9090, [](const HttpRequest& request) {
//         if (request.target != "/health") return HttpResponse::error(404, "no such page");
//         return HttpResponse{.content_type = "application/json", .body = R"({"status":"ok"})"};
//     });
//
// It binds 127.0.0.1 and answers only requests whose Host is that, so that no web page can reach it
// under a name of its own.
//
// Threads: one of its own, which calls the handler, one request at a time; the handler must not
// block for long. The destructor waits for a call that is under way.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/http_message.h"

namespace storm::net {

/// What it throws (std::exception) becomes a 500 and a line in the log.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

class HttpServer {
public:
    /// Port 0: any free one.
    static base::Result<std::unique_ptr<HttpServer>> listen(std::uint16_t port,
                                                            HttpHandler handler);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    std::uint16_t port() const;

private:
    class Connection;
    struct State;
    explicit HttpServer(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace storm::net

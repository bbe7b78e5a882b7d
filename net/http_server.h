// An HTTP/1.1 server for what a process says of itself, and for the daemons' interfaces.
//
//     auto server = HttpServer::listen(9090, [](const HttpRequest& request) {
//         if (request.target != "/health") return HttpResponse::error(404, "no such page");
//         return HttpResponse{.content_type = "application/json", .body = R"({"status":"ok"})"};
//     });
//
// It binds 127.0.0.1 unless told otherwise, and answers only requests whose Host is the name or
// address that it was told, or this machine's own: no web page can reach it under a name of its
// own.
//
//     head ──► recognize ──► intake ──► into memory ──► answer ──► response
//                  │            ├─────► HttpUpload, piece by piece ──► finish ──► response
//                  └────────────┴─────► refused: response, without reading the body
//
// Who has proved the token by Digest gets a proof with each response. The body of such a request is
// compared with the hash that its head has named before it is answered; an HttpUpload must itself
// be of what its path names.
//
// Threads: one of its own which calls the handler, one request at a time; or that of the io_context
//          it is given, for everything. A client that is slow, or an answer that comes later, holds
//          up nobody else. The destructor waits for a call that is under way.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "net/http_message.h"

namespace boost::asio {
class io_context;
}

namespace storm::net {

/// What it throws (std::exception) becomes a 500 and a line in the log.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

/// Answers a request: at most once, at any time, on the server's thread. One that is dropped
/// uncalled closes the connection. Does not outlive the io_context.
using HttpReply = std::function<void(HttpResponse)>;

/// Takes a body that is too large for memory. Destroyed early if the client goes away.
class HttpUpload {
public:
    HttpUpload() = default;
    HttpUpload(const HttpUpload&) = delete;
    HttpUpload& operator=(const HttpUpload&) = delete;
    virtual ~HttpUpload() = default;

    /// The next piece. A response refuses the rest.
    virtual std::optional<HttpResponse> write(std::string_view piece) = 0;
    virtual void finish(HttpReply reply) = 0;
};

struct HttpIntoMemory {};
/// What becomes of a request's body, decided by its head. An HttpResponse refuses it unread.
using HttpIntake = std::variant<HttpIntoMemory, HttpResponse, std::unique_ptr<HttpUpload>>;

using HttpRecognize = std::function<HttpRecognized(const HttpRequest& head)>;

struct HttpService {
    HttpRecognize recognize = {};  ///< Once for each request. Empty: all are strangers.
    std::function<HttpIntake(const HttpRequest& head)> intake;  ///< Empty: no body is taken.
    std::function<void(HttpRequest, HttpReply)> answer;
};

struct HttpAddress {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;        ///< 0: any free one.
    bool beyond_loopback = false;  ///< Whether `host` may be reached from other machines.
};

class HttpServer {
public:
    /// On a thread of its own, on 127.0.0.1. Port 0: any free one. Takes bodies.
    static base::Result<std::unique_ptr<HttpServer>> listen(std::uint16_t port, HttpHandler handler,
                                                            HttpRecognize recognize = {});
    /// On the thread that runs `io`, which must outlive it.
    static base::Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& io,
                                                            const HttpAddress& address,
                                                            HttpService service);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    std::uint16_t port() const;

private:
    class Connection;
    struct State;
    struct OwnThread;
    HttpServer(std::unique_ptr<OwnThread> own, std::shared_ptr<State> state);

    std::unique_ptr<OwnThread> own_;  // Before the state, which lives in its io_context.
    std::shared_ptr<State> state_;
};

}  // namespace storm::net
